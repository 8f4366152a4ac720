// CoreDNS with the plugins that the cluster uses. Its own main package is not imported, since that adds flags such as -p to
// every program in this binary.
package programs

import (
	"log"
	"os"

	"github.com/coredns/caddy"
	_ "github.com/coredns/coredns/core/dnsserver" // the server type `dns`
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/template"
	"github.com/spf13/pflag"
)

func runCoreDNS() {
	flags := pflag.NewFlagSet("coredns", pflag.ExitOnError)
	corefile := flags.String("corefile", "Corefile", "configuration file")
	_ = flags.Parse(os.Args[1:]) // ends the program itself on an error
	if err := serveDNS(*corefile); err != nil {
		log.Fatal(err)
	}
}

func serveDNS(corefile string) error {
	content, err := os.ReadFile(corefile)
	if err != nil {
		return err
	}
	caddy.Quiet = true // without its banner
	caddy.TrapSignals()
	instance, err := caddy.Start(caddy.CaddyfileInput{Contents: content, Filepath: corefile, ServerTypeName: "dns"})
	if err != nil {
		return err
	}
	instance.Wait()
	return nil
}

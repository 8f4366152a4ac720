package pki

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"kubelambda.dev/cluster/internal/layout"
)

func ensured(t *testing.T) layout.Layout {
	t.Helper()
	l, err := layout.At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Create(); err != nil {
		t.Fatal(err)
	}
	if err := Ensure(l); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCertificatesAreTrusted(t *testing.T) {
	l := ensured(t)
	trust, err := TrustConfig(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range certificates() {
		pair, err := tls.LoadX509KeyPair(l.Certificate(c.name), l.Key(c.name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: trust.RootCAs, KeyUsages: c.usages()}); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, name := range c.dnsNames {
			if err := pair.Leaf.VerifyHostname(name); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		for _, address := range c.addresses {
			if err := pair.Leaf.VerifyHostname(address.String()); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
}

func TestKeysAreSecretAndKept(t *testing.T) {
	l := ensured(t)
	for _, path := range []string{l.Key(Admin), l.Key(ServiceAccounts), l.Kubeconfig()} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", path, mode)
		}
	}
	before, err := os.ReadFile(l.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := Ensure(l); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(l.Kubeconfig()); err != nil || string(after) != string(before) {
		t.Errorf("the second time made other certificates, error %v", err)
	}
}

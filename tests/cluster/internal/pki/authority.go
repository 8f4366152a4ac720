// Package pki makes the cluster's certificates: the authority (this file), the list of certificates (certificates.go) and
// the kubeconfig files that carry the clients' (kubeconfig.go).
//
// Everything is made once and then kept. It never replaces a file that exists, and never uses a certificate of the machine.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"time"

	"kubelambda.dev/cluster/internal/layout"
)

const validity = 10 * 365 * 24 * time.Hour

// authority signs certificates; its own is pki/ca.crt.
type authority struct {
	layout      layout.Layout
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// openAuthority loads the authority, or makes it where there is none.
func openAuthority(l layout.Layout) (*authority, error) {
	key, err := openKey(l.Key("ca"))
	if err != nil {
		return nil, err
	}
	a := &authority{layout: l, key: key}
	certificate, err := os.ReadFile(l.Certificate("ca"))
	if errors.Is(err, fs.ErrNotExist) {
		return a, a.selfSign()
	}
	if err != nil {
		return nil, err
	}
	a.certificate, err = parseCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.Certificate("ca"), err)
	}
	return a, nil
}

func (a *authority) selfSign() error {
	template, err := newTemplate(pkix.Name{CommonName: "kubelambda-cluster"})
	if err != nil {
		return err
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	a.certificate = template
	return a.sign(a.layout.Certificate("ca"), template, a.key)
}

// issue makes the certificate of that name and its key, unless both exist.
func (a *authority) issue(c certificate) error {
	key, err := openKey(a.layout.Key(c.name))
	if err != nil {
		return err
	}
	path := a.layout.Certificate(c.name)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	template, err := newTemplate(c.subject)
	if err != nil {
		return err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = c.usages()
	template.DNSNames = c.dnsNames
	template.IPAddresses = c.addresses
	return a.sign(path, template, key)
}

func (a *authority) sign(path string, template *x509.Certificate, key *ecdsa.PrivateKey) error {
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return fmt.Errorf("certificate %s: %w", path, err)
	}
	if template.IsCA {
		if a.certificate, err = x509.ParseCertificate(der); err != nil {
			return fmt.Errorf("certificate %s: %w", path, err)
		}
	}
	return writePEM(path, "CERTIFICATE", der, 0o644)
}

func newTemplate(subject pkix.Name) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	// An hour back, for a clock that is set back a little.
	return &x509.Certificate{SerialNumber: serial, Subject: subject, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(validity)}, nil
}

// openKey loads a private key, or makes one where there is none.
func openKey(path string) (*ecdsa.PrivateKey, error) {
	content, err := os.ReadFile(path)
	if err == nil {
		block, _ := pem.Decode(content)
		if block == nil {
			return nil, fmt.Errorf("%s is not a PEM file; `cluster stop --purge` removes it", path)
		}
		return x509.ParseECPrivateKey(block.Bytes)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writePEM(path, "EC PRIVATE KEY", der, 0o600)
}

func parseCertificate(content []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, errors.New("not a PEM file; `cluster stop --purge` removes it")
	}
	return x509.ParseCertificate(block.Bytes)
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	return writeWhole(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}

// writeWhole writes through a second name, so that an interrupted `start` leaves no half-written file to be kept for ever.
func writeWhole(path string, content []byte, mode os.FileMode) error {
	unfinished := path + ".unfinished"
	if err := os.WriteFile(unfinished, content, mode); err != nil {
		return err
	}
	return os.Rename(unfinished, path)
}

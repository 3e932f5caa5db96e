// Package profile keeps where a platform is and how to get a token for it: named profiles in one file, secrets and tokens in files beside
// it. Everything it writes is readable by its owner alone.
package profile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Profile says where the services are and who the caller is.
type Profile struct {
	// Governance and Drift are the services' addresses as host:port.
	Governance string `json:"governance,omitempty"`
	Drift      string `json:"drift,omitempty"`

	// TokenURL, ClientID and ClientSecretFile get tokens by client credentials. A relative path is relative to the config file.
	TokenURL         string `json:"token_url,omitempty"`
	ClientID         string `json:"client_id,omitempty"`
	ClientSecretFile string `json:"client_secret_file,omitempty"`

	// Tenant is sent with each call: needed by service principals, who act for the tenant they name.
	Tenant string `json:"tenant,omitempty"`

	// TLS says how the services are authenticated. Without it, services on the loopback interface are called in plaintext and others
	// with the system's certificate authorities.
	TLS *TLS `json:"tls,omitempty"`

	// Plaintext allows tokens to be sent unencrypted to services on other machines.
	Plaintext bool `json:"plaintext,omitempty"`
}

// TLS names files with certificates and keys in PEM; relative paths are relative to the config file.
type TLS struct {
	CAFile     string `json:"ca_file,omitempty"`     // the authorities that services' certificates are checked against
	CertFile   string `json:"cert_file,omitempty"`   // the client's certificate, where services ask for one
	KeyFile    string `json:"key_file,omitempty"`    // and its key
	ServerName string `json:"server_name,omitempty"` // the name in the services' certificates, if it is not the address
}

// Config is the file: the profiles by name, and which is used unless another is named.
type Config struct {
	Current  string             `json:"current,omitempty"`
	Profiles map[string]Profile `json:"profiles"`

	path string
}

// DefaultPath returns where the file is: AUMOSCTL_CONFIG, else aumosctl/config.json in the user's configuration directory.
func DefaultPath(getenv func(string) string) (string, error) {
	if path := getenv("AUMOSCTL_CONFIG"); path != "" {
		return path, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the configuration directory (name the file with --config): %w", err)
	}
	return filepath.Join(dir, "aumosctl", "config.json"), nil
}

// Load reads the file; one that does not exist has no profiles. Unknown keys are errors, since a misspelt one would be ignored.
func Load(path string) (*Config, error) {
	c := &Config{path: path, Profiles: make(map[string]Profile)}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(c); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if c.Profiles == nil { // the file says null
		c.Profiles = make(map[string]Profile)
	}
	for name := range c.Profiles {
		if err := CheckName(name); err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
	}
	return c, nil
}

// Save writes the file.
func (c *Config) Save() error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("marshal profiles: %w", err)
	}
	return writePrivate(c.path, append(data, '\n'))
}

// Path returns where the file is.
func (c *Config) Path() string { return c.path }

// Beside returns a path in the directory of the file; an absolute path is returned as it is, as is an empty one.
func (c *Config) Beside(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.path), path)
}

var profileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// CheckName refuses names that would not be safe as file names.
func CheckName(name string) error {
	if !profileName.MatchString(name) {
		return fmt.Errorf("%q cannot be the name of a profile: use letters, digits, dots, dashes and underscores", name)
	}
	return nil
}

// IsLoopback reports whether an address host:port, or a host alone, is of this machine.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkTokenURL refuses to send the client's secret unencrypted to another machine.
func (p Profile) checkTokenURL() error {
	u, err := url.Parse(p.TokenURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("the token URL %q is no http(s) URL", p.TokenURL)
	}
	if u.Scheme == "http" && !p.Plaintext && !IsLoopback(u.Host) {
		return fmt.Errorf("the token URL %q would send the client's secret unencrypted: use https, or say --plaintext", p.TokenURL)
	}
	return nil
}

// writePrivate replaces a file in one step and keeps it to its owner.
func writePrivate(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".aumosctl-*") // created with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // fails once the file has its name
	if _, err := file.Write(data); err != nil {
		_ = file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

package devissuer

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// maxFormBytes bounds the body of a token request.
const maxFormBytes = 64 << 10

// Handler serves the issuer at the path of its URL: discovery (OpenID Connect Discovery 1.0), keys and the token endpoint (RFC 6749 section 4.4).
func (i *Issuer) Handler() http.Handler {
	var base string
	if u, err := url.Parse(i.cfg.URL); err == nil {
		base = strings.TrimSuffix(u.Path, "/")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"/.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET "+base+"/keys", i.publicKeys)
	mux.HandleFunc("POST "+base+"/token", i.token)
	return mux
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	base := strings.TrimSuffix(i.cfg.URL, "/")
	write(w, http.StatusOK, map[string]any{
		"issuer":                                i.cfg.URL,
		"jwks_uri":                              base + "/keys",
		"token_endpoint":                        base + "/token",
		"grant_types_supported":                 []string{"client_credentials"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"response_types_supported":              []string{"none"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
	})
}

func (i *Issuer) publicKeys(w http.ResponseWriter, _ *http.Request) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	set := jose.JSONWebKeySet{}
	for _, k := range i.keys {
		set.Keys = append(set.Keys, k.public())
	}
	write(w, http.StatusOK, set)
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	if err := r.ParseForm(); err != nil || len(r.URL.RawQuery) > 0 {
		refuse(w, http.StatusBadRequest, "invalid_request", "send the parameters once, as a form in the body")
		return
	}
	client, ok := i.authenticate(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="token"`)
		refuse(w, http.StatusUnauthorized, "invalid_client", "the client is unknown or its secret is wrong")
		return
	}
	if r.PostForm.Get("grant_type") != "client_credentials" {
		refuse(w, http.StatusBadRequest, "unsupported_grant_type", "the grant is client_credentials")
		return
	}
	subject := client.Subject
	if subject == "" {
		subject = client.ID
	}
	token, err := i.IssueToken(subject, client.TenantID, client.Roles...)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "server_error", "the token cannot be signed")
		return
	}
	write(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": int64(i.cfg.Lifetime.Seconds()),
	})
}

// authenticate reads the client's credentials from the Authorization header or the form, not both (RFC 6749 section 2.3). The time it takes does
// not depend on how much of the secret is right.
func (i *Issuer) authenticate(r *http.Request) (Client, bool) {
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		if secret != "" {
			return Client{}, false
		}
		// Section 2.3.1: both are form-encoded before they are put into the header.
		var errID, errSecret error
		id, errID = url.QueryUnescape(user)
		secret, errSecret = url.QueryUnescape(password)
		if errID != nil || errSecret != nil {
			return Client{}, false
		}
	}
	var client Client
	for _, c := range i.cfg.Clients {
		if c.ID == id {
			client = c
		}
	}
	want, got := sha256.Sum256([]byte(client.Secret.Reveal())), sha256.Sum256([]byte(secret))
	same := subtle.ConstantTimeCompare(want[:], got[:]) == 1
	return client, same && client.ID != ""
}

func refuse(w http.ResponseWriter, code int, reason, description string) {
	write(w, code, map[string]string{"error": reason, "error_description": description})
}

func write(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client has gone: there is nobody to tell
}

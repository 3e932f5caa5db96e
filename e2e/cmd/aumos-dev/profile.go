package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// The demo tenant, and who may log in to it. Each client of the issuer is one person's stand-in.
const demoTenant = "0190a0de-0000-7000-8000-00000000de30"

// profile is what aumosctl reads: see `aumosctl login --help`.
type profile struct {
	Governance       string `json:"governance"`
	Drift            string `json:"drift"`
	TokenURL         string `json:"token_url"`
	ClientID         string `json:"client_id"`
	ClientSecretFile string `json:"client_secret_file"`
}

// writeProfiles writes aumosctl's configuration for the demo tenant's clients.
func writeProfiles(file, current string, profiles map[string]profile) error {
	content, err := json.MarshalIndent(map[string]any{"current": current, "profiles": profiles}, "", "  ")
	if err != nil {
		return fmt.Errorf("write aumosctl configuration: %w", err)
	}
	if err := os.WriteFile(file, append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("write aumosctl configuration: %w", err)
	}
	return nil
}

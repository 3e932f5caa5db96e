package library

import "io/fs"

// loadCatalogue reads the one list of requirements, by the names that violations use.
func loadCatalogue(files fs.FS) (map[string]Reference, error) {
	var catalogue map[string]struct {
		Title    string            `json:"title"`
		Version  string            `json:"version"`
		Source   string            `json:"source"`
		Controls map[string]string `json:"controls"`
	}
	if err := readJSON(files, "catalogue.json", &catalogue); err != nil {
		return nil, err
	}
	references := make(map[string]Reference)
	for code, regulation := range catalogue {
		for control, paraphrase := range regulation.Controls {
			name := code + ":" + control
			references[name] = Reference{
				Control: name, Regulation: regulation.Title, Edition: regulation.Version, Source: regulation.Source, Paraphrase: paraphrase,
			}
		}
	}
	return references, nil
}

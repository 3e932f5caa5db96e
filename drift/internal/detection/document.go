package detection

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Document is the result of a run as it is stored and digested. Readers must take unknown members.
type Document struct {
	Format              string     `json:"format"` // documentFormat
	Engine              string     `json:"engine"` // the version of the program that made it
	DetectionID         uuid.UUID  `json:"detection_id"`
	TenantID            string     `json:"tenant_id"`
	ModelID             uuid.UUID  `json:"model_id"`
	MonitorID           uuid.UUID  `json:"monitor_id"`
	MonitorName         string     `json:"monitor_name"`
	BaselineID          uuid.UUID  `json:"baseline_id"`
	BaselineNumber      int32      `json:"baseline_number"`
	BaselineFingerprint string     `json:"baseline_fingerprint_sha256"` // hexadecimal
	BaselineRows        int64      `json:"baseline_rows"`
	DataFingerprint     string     `json:"data_fingerprint_sha256"` // of the current data, hexadecimal
	Rows                int64      `json:"rows"`
	Description         string     `json:"description,omitempty"`
	CreateTime          time.Time  `json:"create_time"`
	Result              detect.Run `json:"result"`
}

// documentFormat names the format; a change that readers could not take gets a new name.
const documentFormat = "aumos.drift.detection/v1"

const (
	// explanationBudget bounds what a document spends on bins and categories. The most severe features keep theirs; with it, the document of
	// 500 features with long category names still fits into one message.
	explanationBudget = 512 << 10
	// maxName bounds a category's name in a document, in bytes. Uploaded names may have 1,024.
	maxName = 128
)

// document states the result as JSON.
func (r Run) document(owner tenant.ID, d Detection, result detect.Run) ([]byte, [32]byte, error) {
	if err := trim(&result); err != nil {
		return nil, [32]byte{}, err
	}
	document, err := encode(Document{
		Format: documentFormat, Engine: r.Engine, DetectionID: d.ID, TenantID: owner.String(), ModelID: d.ModelID,
		MonitorID: d.MonitorID, MonitorName: r.Monitor.Name,
		BaselineID: d.BaselineID, BaselineNumber: r.Baseline.Number, BaselineFingerprint: hex.EncodeToString(d.BaselineFingerprint),
		BaselineRows: r.Baseline.RowCount, DataFingerprint: hex.EncodeToString(r.Fingerprint[:]), Rows: d.RowCount,
		Description: d.Description, CreateTime: d.CreateTime, Result: result,
	})
	if err != nil {
		return nil, [32]byte{}, fmt.Errorf("encode document: %w", err)
	}
	return document, sha256.Sum256(document), nil
}

// encode writes JSON without the escapes that are for HTML.
func encode(v any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

// trim shortens names and drops explanations beyond the budget, those of the least severe features first.
func trim(result *detect.Run) error {
	order := bySeverity(result.Features)
	budget := explanationBudget
	for _, i := range order {
		e := result.Features[i].Explanation
		if e == nil {
			continue
		}
		for _, changes := range [][]detect.CategoryChange{e.Categories, e.Unseen, e.Vanished} {
			for j := range changes {
				changes[j].Category = shorten(changes[j].Category)
			}
		}
		encoded, err := encode(e)
		if err != nil {
			return fmt.Errorf("encode explanation: %w", err)
		}
		if budget -= len(encoded); budget < 0 {
			result.Features[i].Explanation = nil
		}
	}
	return nil
}

// shorten cuts a long name and marks the cut with the start of the name's SHA-256, so that two names with one beginning stay apart.
func shorten(name string) string {
	if len(name) <= maxName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	end := maxName - 20
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + "…#" + hex.EncodeToString(sum[:8])
}

// bySeverity returns the positions of the features, the most severe first.
func bySeverity(features []detect.FeatureResult) []int {
	order := make([]int, len(features))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(features[b].Severity, features[a].Severity) })
	return order
}

// Features returns the results of the detection's features, the most severe first.
func (d Detection) Features() ([]detect.FeatureResult, error) {
	var document Document
	if err := json.Unmarshal(d.Document, &document); err != nil {
		return nil, fmt.Errorf("decode document of detection %s: %w", d.ID, err)
	}
	features := make([]detect.FeatureResult, 0, len(document.Result.Features))
	for _, i := range bySeverity(document.Result.Features) {
		features = append(features, document.Result.Features[i])
	}
	return features, nil
}

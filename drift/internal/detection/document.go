package detection

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

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

// document states the result as JSON.
func (r Run) document(owner tenant.ID, d Detection, result detect.Run) ([]byte, [32]byte, error) {
	if err := result.Trim(); err != nil {
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

// Features returns the results of the detection's features, the most severe first.
func (d Detection) Features() ([]detect.FeatureResult, error) {
	var document Document
	if err := json.Unmarshal(d.Document, &document); err != nil {
		return nil, fmt.Errorf("decode document of detection %s: %w", d.ID, err)
	}
	features := make([]detect.FeatureResult, 0, len(document.Result.Features))
	for _, i := range document.Result.BySeverity() {
		features = append(features, document.Result.Features[i])
	}
	return features, nil
}

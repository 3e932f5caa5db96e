package witness

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

const (
	// maxResponse bounds an answer: a signature line has less than 300 bytes, with a post-quantum key about 5,000.
	maxResponse = 64 << 10
	// maxAhead is how far a witness's clock may be ahead of ours.
	maxAhead = time.Hour
	// sizeType is the content type of the answer that tells the size of the last cosigned head.
	sizeType = "text/x.tlog.size"
)

func readBody(body io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxResponse+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read answer: %w", err)
	case len(text) > maxResponse:
		return "", fmt.Errorf("the answer has more than %d bytes", maxResponse)
	}
	return string(text), nil
}

// refusal says what an answer that is no success means.
func refusal(status int, contentType, text string) error {
	switch status {
	case http.StatusNotFound:
		return ErrUnknownLog
	case http.StatusForbidden:
		return ErrUnknownKey
	case http.StatusUnprocessableEntity:
		return ErrInconsistent
	case http.StatusConflict:
		if text == "" {
			return ErrInconsistent // how github.com/transparency-dev/witness answers another root for the same size
		}
		if mediaType, _, err := mime.ParseMediaType(contentType); err != nil || mediaType != sizeType {
			return errors.New("the answer is 409 Conflict without the size of the last cosigned head")
		}
		digits := strings.TrimSuffix(text, "\n")
		size, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || size < 0 || strconv.FormatInt(size, 10) != digits {
			return errors.New("the size of the last cosigned head is not a number")
		}
		return &SizeError{Size: size}
	default:
		return fmt.Errorf("the answer is %d %s", status, http.StatusText(status))
	}
}

// cosignature finds the witness's signature among the answer's lines. Signatures by other keys do not count, such as those of a second algorithm.
func (c *Client) cosignature(signed, lines string) (auditlog.Cosignature, error) {
	merged, err := auditlog.AddSignatures(signed, splitLines(lines)...)
	if err != nil {
		return auditlog.Cosignature{}, fmt.Errorf("read answer: %w", err)
	}
	found, err := auditlog.Cosignatures(merged, c.witness.Key)
	switch {
	case err != nil:
		return auditlog.Cosignature{}, fmt.Errorf("read answer: %w", err)
	case len(found) == 0:
		return auditlog.Cosignature{}, errors.New("the answer has no signature by the policy's key of the witness")
	case found[0].Time.Unix() == 0 || found[0].Time.After(c.now().Add(maxAhead)):
		return auditlog.Cosignature{}, fmt.Errorf("the witness says it signed at %s", found[0].Time.Format(time.RFC3339))
	}
	return found[0], nil
}

func splitLines(text string) []string {
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

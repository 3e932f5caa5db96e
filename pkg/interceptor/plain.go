package interceptor

import (
	"google.golang.org/protobuf/proto"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// plain reports whether a message follows the contract's rules in the plainest way. Questions come thousands of times a second, and protovalidate reads each
// field of each by reflection: what is not plain, or is another message, is judged by it.
func plain(msg proto.Message) bool {
	q, ok := msg.(*governancev1.EvaluateRequest)
	return ok && isDotted(q.GetDecisionPoint()) && q.GetInput() != nil && (q.GetRequestId() == "" || isUUID(q.GetRequestId())) &&
		len(q.GetCorrelationId()) <= 128 && (q.GetResource() == nil || isResource(q.GetResource())) &&
		q.GetExplain() >= 0 && q.GetExplain() <= governancev1.ExplainLevel_EXPLAIN_LEVEL_TRACE
}

// isDotted reports whether s is two or more words with dots between them, of at most 128 characters.
func isDotted(s string) bool {
	words, start := 0, 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != '.' {
			continue
		}
		if !isWord(s[start:i]) {
			return false
		}
		words, start = words+1, i+1
	}
	return words > 1 && len(s) <= 128
}

// isWord reports whether s is a small letter and then small letters, digits and underscores.
func isWord(s string) bool {
	for i, b := range []byte(s) {
		if letter := 'a' <= b && b <= 'z'; !letter && (i == 0 || b != '_' && (b < '0' || b > '9')) {
			return false
		}
	}
	return s != ""
}

func isUUID(s string) bool {
	for i, b := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if lower := b | 0x20; dash != (b == '-') || !dash && (b < '0' || b > '9') && (lower < 'a' || lower > 'f') {
			return false
		}
	}
	return len(s) == 36
}

func isResource(r *governancev1.DecidedResource) bool {
	return isWord(r.GetType()) && len(r.GetType()) <= 64 && r.GetId() != "" && len(r.GetId()) <= 255
}

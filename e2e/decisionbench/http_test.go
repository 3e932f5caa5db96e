//go:build linux

package decisionbench_test

import (
	"bytes"
	"fmt"
	"strconv"
)

// httpCaller puts one question after the other in HTTP/1.1.
type httpCaller struct {
	text  []byte // a request
	check func(body []byte) error
}

func newHTTPCaller(host, path string, body []byte, check func(body []byte) error) *httpCaller {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nContent-Length: %d\r\nContent-Type: application/json\r\n\r\n", path, host, len(body))
	return &httpCaller{text: append([]byte(head), body...), check: check}
}

// sideBySide implements caller: no server answers what comes before its answer.
func (c *httpCaller) sideBySide() int { return 1 }

// question implements caller. All have the same number: the next is put when the one before is answered.
func (c *httpCaller) question() (text []byte, number uint32, err error) { return c.text, 0, nil }

// take implements caller.
func (c *httpCaller) take(arrived []byte, answered func(number uint32, how answer) error) (rest, response []byte, err error) {
	head, body, complete := bytes.Cut(arrived, []byte("\r\n\r\n"))
	if !complete {
		return arrived, nil, nil
	}
	_, text, _ := bytes.Cut(head, []byte("\r\nContent-Length: "))
	text, _, _ = bytes.Cut(text, []byte("\r\n"))
	length, err := strconv.Atoi(string(text))
	if err != nil || length > most/2 || len(body) > length || !bytes.HasPrefix(head, []byte("HTTP/1.1 200 ")) {
		return nil, nil, fmt.Errorf("the answer is %q", arrived)
	}
	if len(body) < length {
		return arrived, nil, nil
	}
	if err := c.check(body); err != nil {
		return nil, nil, fmt.Errorf("the answer is %q: %w", arrived, err)
	}
	return nil, nil, answered(0, given)
}

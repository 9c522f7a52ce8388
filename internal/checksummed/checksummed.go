// Package checksummed writes a value as a line of JSON and a line with the SHA-256 of the first, in hexadecimal, and reads
// it back only when it is whole.
package checksummed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// errSum says that the two lines are not of one another.
var errSum = errors.New("its checksum does not fit")

// Encode writes a value.
func Encode(value any) ([]byte, error) {
	line, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(line)
	return fmt.Appendf(append(line, '\n'), "%x\n", sum), nil
}

// Decode reads what Encode wrote into a value. Whatever else the bytes are is an error; the value is then of no use.
func Decode(data []byte, value any) error {
	line, rest, _ := bytes.Cut(data, []byte("\n"))
	sum := sha256.Sum256(line)
	if string(rest) != hex.EncodeToString(sum[:])+"\n" {
		return errSum
	}
	return json.Unmarshal(line, value)
}

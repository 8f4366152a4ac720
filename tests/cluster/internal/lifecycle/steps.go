// What a person sees: one line per step, with the time that it took.
package lifecycle

import (
	"fmt"
	"io"
	"sync"
	"time"
)

type steps struct {
	out   io.Writer
	mutex sync.Mutex
}

// run does the step and prints its line when it succeeded; the error of a failed one is the caller's to print.
func (s *steps) run(name string, do func() error) error {
	begun := time.Now()
	if err := do(); err != nil {
		return err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	fmt.Fprintf(s.out, "%-24s %6.2f s\n", name, time.Since(begun).Seconds())
	return nil
}

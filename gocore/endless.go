package gocore

import "fmt"

// maxChain is how many errors are looked at of those that one wraps.
const maxChain = 100_000

// endless is an error that wraps itself, by however many others: who asks errors.Is or errors.As
// about it waits for ever. This one wraps nothing.
type endless struct{ error }

// Finite gives an error that wraps no endless chain: itself, or one that only says the same.
func Finite(err error) error {
	left := maxChain
	if ends(err, &left) {
		return err
	}
	if p, isPanic := err.(*PanicError); isPanic {
		return &PanicError{Value: endless{p.Unwrap()}, Stack: p.Stack}
	}
	return endless{err}
}

func ends(err error, left *int) bool {
	*left--
	if err == nil || *left < 0 {
		return err == nil
	}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		return ends(wrapper.Unwrap(), left)
	case interface{ Unwrap() []error }:
		for _, each := range wrapper.Unwrap() {
			if !ends(each, left) {
				return false
			}
		}
	case interface{ Cause() error }: // causesOf follows it, too
		return ends(wrapper.Cause(), left)
	}
	return true
}

// typeName names the type of an error, or of what a panic was given.
func typeName(of any) string {
	if e, is := of.(endless); is {
		of = e.error
	}
	return fmt.Sprintf("%T", of)
}

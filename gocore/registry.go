package gocore

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"sync"
	"sync/atomic"
)

// registry holds the functions of the library, in order of registration: the
// position is the function's number on the boundary.
var registry struct {
	mu        sync.Mutex
	functions atomic.Pointer[[]*Function] // replaced, never changed
	byName    map[string]int
	errs      []error
}

// namePattern is what Python can spell: dotted identifiers, a module first.
var namePattern = regexp.MustCompile(`^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)+$`)

// register runs build and records the function, or what is wrong with it.
func register(name string, f reflect.Value, build func() (*Function, error)) {
	function, err := buildFunction(name, f, build)
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if _, taken := registry.byName[name]; taken && err == nil {
		err = errors.New("the name is registered twice")
	}
	if err != nil {
		registry.errs = append(registry.errs, fmt.Errorf("function %q: %w", name, err))
		return
	}
	if registry.byName == nil {
		registry.byName = map[string]int{}
	}
	before := Functions()
	registry.byName[name] = len(before)
	functions := append(before[:len(before):len(before)], function)
	registry.functions.Store(&functions)
}

// CheckName says what is wrong with the name of a function, or gives nil.
func CheckName(name string) error {
	if !namePattern.MatchString(name) {
		return errors.New(`a name must look like "module.function", in lower case`)
	}
	return nil
}

func buildFunction(name string, f reflect.Value, build func() (*Function, error)) (function *Function, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic during registration: %v", value)
		}
	}()
	if err := CheckName(name); err != nil {
		return nil, err
	}
	if f.IsNil() {
		return nil, errors.New("the function is nil")
	}
	if function, err = build(); err != nil {
		return nil, err
	}
	function.locate(f)
	return function, nil
}

// RegistrationError gives everything that went wrong in Register, or nil.
func RegistrationError() error {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	return errors.Join(registry.errs...)
}

// Functions gives the registered functions; the index is the number a caller
// uses.
func Functions() []*Function {
	if functions := registry.functions.Load(); functions != nil {
		return *functions
	}
	return nil
}

// functionAt finds a function by number.
func functionAt(number uint32) (*Function, error) {
	if err := broken.Load(); err != nil {
		return nil, err
	}
	functions := Functions()
	if uint64(number) >= uint64(len(functions)) {
		return nil, Errorf(CodeInvalidArgument, "there is no function number %d; the library has %d", number, len(functions))
	}
	return functions[number], nil
}

package gocore

import (
	"reflect"
	"sync"
)

// callersOf reads the program counters that an error was made with.
type callersOf func(error) []uintptr

// knownCallers has how each type of error tells its stack; nil for those that have none.
var knownCallers sync.Map // reflect.Type -> callersOf

// recordedCallers gives the program counters that were recorded where an error was made, in any
// of the ways that sentry-go knows: Callers (go-errors), StackTrace (github.com/pkg/errors),
// StackFrames (github.com/go-errors/errors), GetStackTracer (github.com/pingcap/errors), and the
// frame of golang.org/x/xerrors. Those packages are found by the form of their types, and each
// type is looked at once.
func recordedCallers(err error) []uintptr {
	if recorded, found := err.(interface{ Callers() []uintptr }); found {
		return recorded.Callers()
	}
	of := reflect.TypeOf(err)
	known, found := knownCallers.Load(of)
	if !found {
		known, _ = knownCallers.LoadOrStore(of, findCallers(of))
	}
	if read := known.(callersOf); read != nil {
		return read(err)
	}
	return nil
}

func findCallers(of reflect.Type) callersOf {
	// The names stand here as constants, so that the linker need not keep the methods of all types.
	if frames, found := of.MethodByName("StackFrames"); found && isStack(frames.Type, 1) {
		return func(err error) []uintptr { return countersIn(reflect.ValueOf(err).MethodByName("StackFrames")) }
	}
	if trace, found := of.MethodByName("StackTrace"); found && isStack(trace.Type, 1) {
		return func(err error) []uintptr { return countersIn(reflect.ValueOf(err).MethodByName("StackTrace")) }
	}
	if tracer, found := of.MethodByName("GetStackTracer"); found && isGetter(tracer.Type, 1) {
		return func(err error) []uintptr { return tracedBy(reflect.ValueOf(err).MethodByName("GetStackTracer")) }
	}
	if hasFrame(of) {
		return func(err error) []uintptr { return frameOf(reflect.ValueOf(err)) }
	}
	return nil
}

// isGetter tells a method that gives one value and takes nothing but so many receivers.
func isGetter(method reflect.Type, receivers int) bool {
	return method.NumIn() == receivers && method.NumOut() == 1
}

// isStack tells a method that gives a list of places in a program.
func isStack(method reflect.Type, receivers int) bool {
	if !isGetter(method, receivers) || method.Out(0).Kind() != reflect.Slice {
		return false
	}
	element := method.Out(0).Elem()
	return element.Kind() == reflect.Uintptr || element.Kind() == reflect.Struct && counterField(element) >= 0
}

// counterField finds the field of a frame that has the program counter; -1 for none.
func counterField(frame reflect.Type) int {
	for i := range frame.NumField() {
		field := frame.Field(i)
		if (field.Name == "ProgramCounter" || field.Name == "PC") && field.Type.Kind() == reflect.Uintptr {
			return i
		}
	}
	return -1
}

// countersIn reads what a method gives.
func countersIn(method reflect.Value) []uintptr {
	stack := method.Call(nil)[0]
	counters := make([]uintptr, 0, min(stack.Len(), maxStackFrames))
	for i := range min(stack.Len(), maxStackFrames) {
		element := stack.Index(i)
		if element.Kind() == reflect.Struct {
			element = element.Field(counterField(element.Type()))
		}
		counters = append(counters, uintptr(element.Uint()))
	}
	return counters
}

// tracedBy reads the stack of the tracer that an error has, if it has one.
func tracedBy(method reflect.Value) []uintptr {
	tracer := method.Call(nil)[0]
	if tracer.Kind() == reflect.Interface || tracer.Kind() == reflect.Pointer {
		if tracer.IsNil() {
			return nil
		}
	}
	trace := tracer.MethodByName("StackTrace")
	if !trace.IsValid() || !isStack(trace.Type(), 0) {
		return nil
	}
	return countersIn(trace)
}

// hasFrame tells a pointer to what golang.org/x/xerrors makes: its frame has three counters.
func hasFrame(of reflect.Type) bool {
	if of.Kind() != reflect.Pointer || of.Elem().Kind() != reflect.Struct {
		return false
	}
	frame, found := of.Elem().FieldByName("frame")
	if !found || frame.Type.Kind() != reflect.Struct {
		return false
	}
	counters, found := frame.Type.FieldByName("frames")
	return found && counters.Type == reflect.TypeFor[[3]uintptr]()
}

// frameOf leaves out the first counter, which is in the function that makes errors.
func frameOf(err reflect.Value) []uintptr {
	if err.IsNil() {
		return nil
	}
	var counters []uintptr
	found := err.Elem().FieldByName("frame").FieldByName("frames")
	for i := 1; i < found.Len(); i++ {
		if counter := uintptr(found.Index(i).Uint()); counter != 0 {
			counters = append(counters, counter)
		}
	}
	return counters
}

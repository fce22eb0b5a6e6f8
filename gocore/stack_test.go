package gocore

import "testing"

// A function is the user's unless it is of Go's own library: a module may be called anything.
func TestWhoseFunctionItIs(t *testing.T) {
	before := shortModules
	defer func() { shortModules = before }()
	shortModules = func() []string { return []string{"shop", "team/stock"} }
	for function, isGos := range map[string]bool{
		"runtime.gopanic":                      true,
		"net/http.(*Server).Serve":             true,
		"shopping/cart.Add":                    true,
		"team/other.Do":                        true,
		"main.main":                            false,
		"example.com/shop.Sell":                false,
		"shop.Sell":                            false,
		"shop/price.(*List).Of":                false,
		"team/stock.Take[...]":                 false,
		"team/stock/internal/shelf.Find.func1": false,
	} {
		if IsRuntimeFrame(Frame{Function: function}) != isGos {
			t.Errorf("%s: is Go's own is to be %v", function, isGos)
		}
	}
}

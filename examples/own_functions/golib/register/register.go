// Package register says which Go functions Python gets, and under which names.
package register

import (
	"example.com/pricing/golib/pricing"
	"github.com/gostitch/gostitch/gocore"
)

// Register is called when the library is loaded.
func Register() {
	gocore.Register("pricing.quote", pricing.Quote)
	gocore.RegisterStream("pricing.read_orders", pricing.ReadOrders)
	gocore.RegisterCallback("pricing.review", pricing.Review)
}

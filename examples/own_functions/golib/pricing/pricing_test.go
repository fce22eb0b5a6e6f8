package pricing

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The price is the sum of the lines, less the discount of the tier.
func TestQuote(t *testing.T) {
	items := []Item{{"a", 250, 2}, {"b", 99, 1}}
	for tier, want := range map[Tier]int64{TierBasic: 599, TierGold: 540} {
		got, err := Quote(context.Background(), QuoteArgs{Items: items, Tier: tier})
		if err != nil || got.Cents != want || len(got.Lines) != 2 {
			t.Errorf("%s: got %+v, %v, want %d cents", tier, got, err, want)
		}
	}
}

// What nobody can buy is an error that names it.
func TestQuoteNotForSale(t *testing.T) {
	_, err := Quote(context.Background(), QuoteArgs{Items: []Item{{"a", 1, 0}}})
	var refused NotForSale
	if !errors.As(err, &refused) || refused.SKU != "a" {
		t.Errorf("got %v", err)
	}
}

// Orders come one by one; the first bad line ends them.
func TestReadOrders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders")
	if err := os.WriteFile(path, []byte("ann;a;250;2\nbob;b;99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var customers []string
	var last error
	for order, err := range ReadOrders(context.Background(), ReadOrdersArgs{path}) {
		if last = err; err == nil {
			customers = append(customers, order.Customer)
		}
	}
	if len(customers) != 1 || last == nil || !strings.Contains(last.Error(), "orders:2: an order has 4 parts") {
		t.Errorf("got %v, %v", customers, last)
	}
}

// Only dear items are asked about.
func TestReview(t *testing.T) {
	asked := 0
	agree := func(_ context.Context, d Doubt) (bool, error) { asked++; return d.Item.SKU == "b", nil }
	items := []Item{{"a", 20000, 1}, {"b", 6000, 2}, {"c", 1, 1}}
	got, err := Review(context.Background(), ReviewArgs{Items: items, LimitCents: 10000}, agree)
	if err != nil || asked != 2 || len(got) != 2 || got[0].SKU != "b" {
		t.Errorf("got %v, %v, asked %d times", got, err, asked)
	}
}

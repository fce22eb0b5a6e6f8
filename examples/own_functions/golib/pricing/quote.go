// Package pricing computes prices. It is plain Go: it knows nothing of Python,
// and any Go program could import it.
package pricing

import (
	"context"
	"fmt"
	"time"
)

// Tier is how good a customer is.
type Tier string

// The tiers.
const (
	// TierBasic pays the list price.
	TierBasic Tier = "basic"
	// TierGold pays a tenth less.
	TierGold Tier = "gold"
)

// Item is what somebody wants to buy.
type Item struct {
	// SKU is the article's number.
	SKU string `gostitch:"sku"`
	// Cents is the price of one.
	Cents int64
	// Count is how many of it.
	Count int64 `gostitch:"count,default=1"`
}

// QuoteArgs are the arguments of Quote.
type QuoteArgs struct {
	// Items to buy.
	Items []Item
	// Tier of the customer.
	Tier Tier `gostitch:"tier,default=basic"`
	// ValidFor is how long the quote holds.
	ValidFor time.Duration `gostitch:"valid_for,default=24h"`
	// Note for the customer.
	Note *string `gostitch:"note,default=None"`
}

// Line is one line of a quote.
type Line struct {
	// Item it is for.
	Item Item
	// Cents is the price of all of them.
	Cents int64
}

// Quoted is a price that holds for a while.
type Quoted struct {
	// Lines, one for each item.
	Lines []Line
	// Cents is the price of everything, after the discount.
	Cents int64
	// ValidFor is how long it holds.
	ValidFor time.Duration
	// Note for the customer.
	Note *string
}

// Quote computes the price of a list of items. The discount of a tier is
// rounded down to whole cents.
func Quote(ctx context.Context, a QuoteArgs) (Quoted, error) {
	q := Quoted{ValidFor: a.ValidFor, Note: a.Note}
	for _, item := range a.Items {
		if err := ctx.Err(); err != nil {
			return Quoted{}, err
		}
		if item.Count < 1 {
			return Quoted{}, NotForSale{item.SKU, item.Count}
		}
		line := Line{Item: item, Cents: item.Cents * item.Count}
		q.Lines = append(q.Lines, line)
		q.Cents += line.Cents
	}
	if a.Tier == TierGold {
		q.Cents -= q.Cents / 10
	}
	return q, nil
}

// CodeNotForSale says that an item cannot be bought like this.
//
//gostitch:exception NotForSaleError LookupError
const CodeNotForSale = "not_for_sale"

// NotForSale is an error with a code of its own.
type NotForSale struct {
	SKU   string
	Count int64
}

// Error says what cannot be bought.
func (n NotForSale) Error() string { return fmt.Sprintf("%d of %s are not for sale", n.Count, n.SKU) }

// Code is the word by which Python finds the exception class.
func (NotForSale) Code() string { return CodeNotForSale }

// Details arrive in the exception's details.
func (n NotForSale) Details() map[string]any { return map[string]any{"sku": n.SKU} }

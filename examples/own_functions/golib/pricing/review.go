package pricing

import "context"

// ReviewArgs are the arguments of Review.
type ReviewArgs struct {
	// Items to look at.
	Items []Item
	// LimitCents is the price from which on somebody must agree.
	LimitCents int64 `gostitch:"limit_cents,default=10000"`
}

// Doubt is an item that somebody must agree to.
type Doubt struct {
	// Item in doubt.
	Item Item
	// Cents is the price of all of them.
	Cents int64
}

// Review gives the items that may be sold: the cheap ones, and of the dear ones
// those that its caller agrees to.
func Review(ctx context.Context, a ReviewArgs, agree func(context.Context, Doubt) (bool, error)) ([]Item, error) {
	var good []Item
	for _, item := range a.Items {
		ok := true
		if cents := item.Cents * item.Count; cents >= a.LimitCents {
			var err error
			if ok, err = agree(ctx, Doubt{item, cents}); err != nil {
				return nil, err
			}
		}
		if ok {
			good = append(good, item)
		}
	}
	return good, nil
}

package pricing

import (
	"bufio"
	"context"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
)

// ReadOrdersArgs are the arguments of ReadOrders.
type ReadOrdersArgs struct {
	// Path of a file with a line "customer;sku;cents;count" for each order.
	Path string `gostitch:"path,path"`
}

// Order is one line of a file of orders.
type Order struct {
	// Customer is who orders.
	Customer string
	// Item is what.
	Item Item
}

// ReadOrders gives the orders in a file, one after the other, however large
// the file is.
func ReadOrders(_ context.Context, a ReadOrdersArgs) iter.Seq2[Order, error] {
	return func(yield func(Order, error) bool) {
		file, err := os.Open(a.Path)
		if err != nil {
			yield(Order{}, err)
			return
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		for number := 1; lines.Scan(); number++ {
			order, err := parseOrder(lines.Text())
			if err != nil {
				yield(Order{}, fmt.Errorf("%s:%d: %w", a.Path, number, err))
				return
			}
			if !yield(order, nil) {
				return // nobody wants more
			}
		}
		if err := lines.Err(); err != nil {
			yield(Order{}, err)
		}
	}
}

func parseOrder(line string) (Order, error) {
	parts := strings.Split(line, ";")
	if len(parts) != 4 {
		return Order{}, fmt.Errorf("an order has 4 parts, not %d", len(parts))
	}
	cents, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return Order{}, err
	}
	count, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil {
		return Order{}, err
	}
	return Order{Customer: parts[0], Item: Item{SKU: parts[1], Cents: cents, Count: count}}, nil
}

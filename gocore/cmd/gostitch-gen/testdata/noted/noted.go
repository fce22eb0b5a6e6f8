// Package noted has json tags, of which some say something else than Python sees.
package noted

import (
	"context"

	"github.com/gostitch/gostitch/gocore"
)

// Args have tags.
type Args struct {
	UserName string `json:"login"`
	Password string `json:"-"`
	MaxCount int    `json:"maxCount,omitempty"`
	Plain    int    `json:",omitempty"`
	Chosen   int    `json:"picked" gostitch:"chosen"`
}

// F has one note for each field, however often its type is used.
func F(context.Context, Args) (Args, error) { return Args{}, nil }

func init() { gocore.Register("noted.f", F) }

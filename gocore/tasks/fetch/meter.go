package fetch

import "sync/atomic"

// meter counts what Progress reports. The zero value has counted nothing; only
// total is set before it is shared.
type meter struct {
	total     int64
	done      atomic.Int64
	failed    atomic.Int64
	bytes     atomic.Int64
	announced atomic.Int64
	known     atomic.Bool // a size has been announced
}

func (m *meter) read() Progress {
	p := Progress{
		Done:       m.done.Load(),
		Total:      m.total,
		Failed:     m.failed.Load(),
		Bytes:      m.bytes.Load(),
		BytesTotal: -1,
	}
	if m.known.Load() {
		p.BytesTotal = max(m.announced.Load(), p.Bytes)
	}
	return p
}

// announce changes what an item contributes to the byte total from old to now;
// negative means nothing.
func (m *meter) announce(old, now int64) {
	m.announced.Add(max(now, 0) - max(old, 0))
	if now >= 0 {
		m.known.Store(true)
	}
}

// succeed corrects the total of an item whose size nobody announced.
func (m *meter) succeed(size, announced int64) {
	m.announce(announced, size)
	m.done.Add(1)
}

// fail takes back what the item contributed.
func (m *meter) fail(got, announced int64) {
	m.bytes.Add(-got)
	m.announce(announced, -1)
	m.failed.Add(1)
	m.done.Add(1)
}

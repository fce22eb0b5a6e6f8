package archive

// OpenZstd begins a frame of zstd.
var OpenZstd = openZstd

// EncoderMemory is what all encoders of zstd have, and what they may have at most.
func EncoderMemory() (has, most int) {
	theEncoders.mu.Lock()
	defer theEncoders.mu.Unlock()
	return theEncoders.memory + theEncoders.idle.memory(), encoderMemory()
}

// PieceMemory is what pieces have beyond one for each call, and what they may have at most.
func PieceMemory() (has, most int) { return pieces.stock() - pieces.left(), pieces.stock() }

// Kept is memory that calls leave to others.
type Kept = kept[string, string]

// NewKept gives one that notes what it drops; each has as much memory as its kind has letters.
func NewKept(drop func(string)) *Kept {
	return &Kept{size: func(kind string) int { return len(kind) }, drop: drop}
}

// Put keeps one.
func (k *kept[K, V]) Put(kind K, value V) { k.put(kind, value) }

// Take gives one.
func (k *kept[K, V]) Take(kind K) (V, bool) { return k.take(kind) }

// Trim drops what is too much.
func (k *kept[K, V]) Trim(memory int) { k.trim(memory) }

// KeepFor is for how long memory is kept.
const KeepFor = keepFor

package rego

// What a compiled version takes in memory, measured: the compiler's own tables, which every version has, and what its sources and its data document become.
const (
	footprintBase   = 96 << 10
	footprintSource = 50 // a byte of source: 35 to 52 for rules and tables, less for comments
	footprintData   = 12 // a byte of canonical JSON
)

func footprint(s Source) int64 {
	size := int64(footprintBase)
	for _, m := range s.Modules {
		size += footprintSource * int64(len(m.Source))
	}
	return size + s.Data.footprint()
}

func (d Data) footprint() int64 { return footprintData * int64(len(d.json)) }

// Size is about how many bytes of memory the version takes.
func (c *Compiled) Size() int64 { return c.size }

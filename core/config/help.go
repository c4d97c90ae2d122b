package config

import (
	"fmt"
	"strings"
)

// helpWidth is the column at which Help breaks lines.
const helpWidth = 100

// summary is "float, m/s, >= 0": what an option takes, without its default.
func (o *Option) summary() string {
	parts := []string{string(o.Type)}
	if o.Unit != "" && o.Unit != "1" {
		parts = append(parts, o.Unit)
	}
	for _, text := range []string{o.rangeText(), o.lenText()} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	if len(o.Allowed) > 0 {
		parts = append(parts, "one of "+strings.Join(o.Allowed, " | "))
	}
	if o.AllowInf {
		parts = append(parts, "inf allowed")
	}
	if o.AllowNaN {
		parts = append(parts, "nan allowed")
	}
	return strings.Join(parts, ", ")
}

// defaultText is the default as one writes it in the file, or "required", "optional".
func (o *Option) defaultText() string {
	switch {
	case o.Optional:
		return "optional"
	case o.Type == TableType:
		return ""
	case o.Default == nil:
		return "required"
	}
	v, err := parseJSON(o.Default)
	if err != nil {
		return string(o.Default) // Check refuses such a table
	}
	if s, ok := v.(string); ok && o.Type == Float && isNonFinite(s) {
		return s
	}
	var e encoder
	if err := e.inline(nil, v); err != nil {
		return string(o.Default)
	}
	return e.b.String()
}

// Help writes a table for a terminal: of every option the name as one writes it in the file, what it takes, its default,
// and its doc, broken at 100 columns. Options of tables within follow with their dotted names; those of lists of tables
// as name[].option.
func Help(table []Option) string {
	var b strings.Builder
	walk(table, "", 0, func(name string, o *Option) {
		fmt.Fprintf(&b, "  %s", name)
		switch d := o.defaultText(); d {
		case "":
		case "required", "optional":
			fmt.Fprintf(&b, "  %s", d)
		default:
			fmt.Fprintf(&b, " = %s", d)
		}
		fmt.Fprintf(&b, "  (%s)\n", o.summary())
		wrap(&b, o.Doc, "      ")
	})
	return b.String()
}

// Markdown writes a table for the docs: one row for every option, in the order of Help.
func Markdown(table []Option) string {
	var b strings.Builder
	b.WriteString("| option | type | default | meaning |\n|---|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	walk(table, "", 0, func(name string, o *Option) {
		def := o.defaultText()
		if def != "" && def != "required" && def != "optional" {
			def = "`" + def + "`"
		}
		doc := o.Doc
		if o.Stage == Nothing {
			doc += " (changes no result)"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", cell.Replace(name), cell.Replace(o.summary()), cell.Replace(def), cell.Replace(doc))
	})
	return b.String()
}

// walk visits every option, tables before what is in them.
func walk(table []Option, prefix string, depth int, visit func(name string, o *Option)) {
	if depth > maxDepth {
		return
	}
	for i := range table {
		o := &table[i]
		name := prefix + o.Name
		visit(name, o)
		within := name + "."
		if o.Type == TablesType {
			within = name + "[]."
		}
		walk(o.Options, within, depth+1, visit)
	}
}

// wrap writes text in lines of at most helpWidth, each indented.
func wrap(b *strings.Builder, text, indent string) {
	width := 0
	for word := range strings.FieldsSeq(text) {
		n := len([]rune(word))
		switch {
		case width == 0:
			b.WriteString(indent)
			width = len(indent)
		case width+1+n > helpWidth:
			b.WriteString("\n" + indent)
			width = len(indent)
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += n
	}
	if width > 0 {
		b.WriteByte('\n')
	}
}

// Package config reads strict TOML and the option tables of plugins.
package config

import "encoding/json"

// Option is one key of a plugin's TOML table.
type Option struct {
	Name         string          `json:"name"`
	Type         string          `json:"type"`
	Unit         string          `json:"unit,omitempty"`
	Doc          string          `json:"doc,omitempty"`
	Default      json.RawMessage `json:"default,omitempty"`
	Optional     bool            `json:"optional,omitempty"`
	Allowed      []string        `json:"allowed,omitempty"`
	Min, Max     *float64        `json:",omitempty"`
	MinExclusive bool            `json:",omitempty"`
	MaxExclusive bool            `json:",omitempty"`
	Options      []Option        `json:"options,omitempty"`
	Affects      string          `json:"affects,omitempty"`
}

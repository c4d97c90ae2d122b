package main

import "github.com/spf13/cobra"

func newPluginCheck() *cobra.Command { return &cobra.Command{Use: "check"} }
func newPluginNew() *cobra.Command   { return &cobra.Command{Use: "new"} }

package plugin_test

func hostRole() {}

package roofline

// Problems are the published pieces of work, in the page's order.
var Problems = helmholtzProblems

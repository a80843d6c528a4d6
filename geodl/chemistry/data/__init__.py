"""Reference states of reactors and flames, labelled with the stiff solver."""

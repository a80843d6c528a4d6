"""Types and shapes are checked while the tests run; fixtures that several folders share."""

import jaxtyping

with jaxtyping.install_import_hook("geodl", "tests.typecheck.check"):
    pass

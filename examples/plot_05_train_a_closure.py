"""
A closure for the Reynolds stress, trained and judged on a flow it never saw
============================================================================

**Question.** Does a tensor-basis network know more about turbulence than a constant?

**You will see** networks trained on flows that come with the library, two flows of other
kinds held out, scores beside three classical closures, and the barycentric map.

**When not to use this.** Five invariants of a k-ε model are few inputs, and three flows
few data: for a flow of your own begin with ``geodl.load("turbulence-anisotropy")``.
"""

# %%
# Five flows, each a k-ε RANS beside an LES, in the one layout of the family.
import matplotlib.pyplot as plt
import torch

import geodl
from geodl.turbulence import barycentric, barycentric_colour, complete, join, linear_eddy_viscosity, strain_rate

torch.set_num_threads(1)
names = ("converge-diverge", "periodic-hills", "square-cylinder", "square-duct", "tandem-cylinders")
flows = {name: geodl.open_sample(f"turbulence-geneva/{name}") for name in names}
print(flows["square-duct"])

# %%
# A small ensemble that sees the velocity gradient, k and ε alone. Whole flows are held out:
# neighbouring cells are so alike that a random choice of cells would test memory only.
family = geodl.family("turbulence", features="pope", members=3, width=32)
config = geodl.FitConfig.parse({**family.settings, "epochs": 20, "batch_size": 1024})


def trained_without(test, valid="square-cylinder"):
    train = join([flows[name] for name in names if name not in (test, valid)], common_only=True)
    return geodl.fit(family, train, flows[valid], config=config, seed=0)


surrogates = {test: trained_without(test) for test in ("square-duct", "periodic-hills")}

# %%
# F is the root mean square over cells of the Frobenius norm of the error. The network finds
# the duct, which no linear eddy viscosity can; on the hills, where everything it has seen is
# more anisotropic, classical models win. The mean tensor of the training data, which sees
# nothing at all, is hard to beat: a score without it proves nothing. Nor are intervals
# better than the flow that they were calibrated on is like the one that is tested.
for test, surrogate in surrogates.items():
    scores = geodl.evaluate(surrogate, flows[test])
    error = (scores.rmse_anisotropy**2).sum(("i", "j")) ** 0.5
    for model, value in zip(error.model.values, error.values, strict=True):
        print(f"{test:15s} {model:25s} F = {value:.3f}")
    print(f"{test:15s} inside the 90 % interval: {float(scores.coverage_anisotropy):.0%} of the cells\n")

# %%
# The barycentric map shows what kind of turbulence that is: red with one component, green
# with two, blue with three. An eddy viscosity knows one line of it, that of plane strain;
# the network goes where it has been elsewhere, and cannot leave the triangle.
duct = complete(flows["square-duct"])
strain = strain_rate(torch.from_numpy(duct.velocity_gradient.values))
k, omega = (torch.from_numpy(duct[name].values) for name in ("k", "omega"))
models = {
    "LES": torch.from_numpy(duct.anisotropy.values),
    "network": torch.from_numpy(surrogates["square-duct"](duct).anisotropy.values),
    "eddy viscosity": linear_eddy_viscosity(strain, k, k / omega),
}
figure, axes = plt.subplots(2, 3, figsize=(10, 6.5), layout="constrained")
for (name, b), above, below in zip(models.items(), *axes, strict=True):
    c1, c2, c3 = barycentric(b).T
    above.plot([0, 1, 0.5, 0], [0, 0, 0.75**0.5, 0], "k", lw=0.8)
    above.scatter(c1 + c3 / 2, 0.75**0.5 * c3, s=3, c=barycentric_colour(b))
    above.set(xlabel="C1 + C3/2 [1]", ylabel="√3/2 C3 [1]", title=name, aspect="equal")
    above.set(xlim=(-0.1, 1.1), ylim=(-0.1, 1))
    below.scatter(duct.position[:, 2], duct.position[:, 1], s=8, c=barycentric_colour(b))
    below.set(xlabel="z [m]", ylabel="y [m]", aspect="equal")
plt.show()

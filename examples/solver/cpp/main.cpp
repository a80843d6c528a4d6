// The Reynolds stress of the cells of a RANS solution: main CELLS FINGERPRINT < cells > stress
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "closure.hpp"

namespace {

struct Flow {
    std::vector<double> gradient, k, omega, wall_distance, nu, k_gradient, pressure_gradient;

    explicit Flow(std::size_t cells)
        : gradient(9 * cells), k(cells), omega(cells), wall_distance(cells), nu(cells), k_gradient(3 * cells),
          pressure_gradient(3 * cells)
    {
        for (auto *field : {&gradient, &k, &omega, &wall_distance, &nu, &k_gradient, &pressure_gradient})
            if (std::fread(field->data(), sizeof(double), field->size(), stdin) != field->size())
                throw std::runtime_error("the cells end too early");
    }
};

struct Stress {
    std::vector<double> anisotropy, k, remainder, error, spread, mahalanobis, kernel, viscosity, explicit_part;
    std::vector<signed char> status;

    explicit Stress(std::size_t cells)
        : anisotropy(9 * cells), k(cells), remainder(9 * cells), error(cells), spread(cells), mahalanobis(cells),
          kernel(cells), viscosity(cells), explicit_part(9 * cells), status(cells)
    {
    }
};

void predict(const Flow &f, Stress &s)
{
    closure::predict(static_cast<long>(f.k.size()), f.gradient.data(), f.k.data(), f.omega.data(),
                     f.wall_distance.data(), f.nu.data(), f.k_gradient.data(), f.pressure_gradient.data(),
                     s.anisotropy.data(), s.k.data(), s.remainder.data(), s.error.data(), s.spread.data(),
                     s.mahalanobis.data(), s.kernel.data(), s.viscosity.data(), s.explicit_part.data(),
                     s.status.data());
}

} // namespace

int main(int count, char **word)
try {
    if (count != 3) throw std::runtime_error("main CELLS FINGERPRINT < cells > stress");
    const std::size_t cells = std::strtoul(word[1], nullptr, 10);
    closure::check(word[2], {"x", "y", "z", "x", "y", "z"}); // the fingerprint, and the axes in the order of ours
    const Flow flow(cells);
    Stress stress(cells);
    const int repeats = 20;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; i++) predict(flow, stress);
    const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - begin;
    std::size_t doubted = 0;
    for (const signed char status : stress.status) doubted += status != 0; // keep the eddy viscosity in these
    std::fprintf(stderr, "%.2f us a cell; %zu of %zu answers in doubt\n", taken.count() / repeats / cells, doubted,
                 cells);
    std::fwrite(stress.anisotropy.data(), sizeof(double), 9 * cells, stdout);
    std::fwrite(stress.k.data(), sizeof(double), cells, stdout);
    return 0;
} catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}

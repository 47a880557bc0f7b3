// Distances between the nodes of a graph that is being built over bit strings or sparse vectors: less is
// nearer. As node_distances.h has them for vectors.

#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "node_distances.h"
#include "shim.h"

namespace redkite {

struct Hamming {
    static float one(const uint64_t* a, const uint64_t* b, size_t words) {
        int differing = 0;
        for (size_t i = 0; i < words; i++) {
            differing += __builtin_popcountll(a[i] ^ b[i]);
        }
        return static_cast<float>(differing);
    }
};

struct Jaccard {
    static float one(const uint64_t* a, const uint64_t* b, size_t words) {
        int both = 0, either = 0;
        for (size_t i = 0; i < words; i++) {
            both += __builtin_popcountll(a[i] & b[i]);
            either += __builtin_popcountll(a[i] | b[i]);
        }
        return both == 0 ? 1 : 1 - static_cast<float>(both) / static_cast<float>(either);
    }
};

// By bits.
template <class Kernel>
struct Bits {
    const redkite_bits& codes;

    float between(int a, int b) const {
        return Kernel::one(code(a), code(b), codes.stride);
    }
    void four(int node, const int* nodes, float* out) const {
        for (int i = 0; i < 4; i++) {
            out[i] = between(node, nodes[i]);
        }
    }
    void prefetch(int node) const {
        prefetch_bytes(code(node), codes.stride * sizeof(uint64_t));
    }

   private:
    const uint64_t* code(int node) const {
        return codes.words + static_cast<size_t>(node) * codes.stride;
    }
};

struct SparseL2 {
    static float term(float a, float b) {
        return (a - b) * (a - b);
    }
    static float distance(float sum, float, float) {
        return sum;
    }
};

struct SparseL1 {
    static float term(float a, float b) {
        return std::abs(a - b);
    }
    static float distance(float sum, float, float) {
        return sum;
    }
};

struct SparseInnerProduct {
    static float term(float a, float b) {
        return a * b;
    }
    static float distance(float sum, float, float) {
        return -sum;
    }
};

struct SparseCosine {
    static float term(float a, float b) {
        return a * b;
    }
    static float distance(float sum, float a_norm, float b_norm) {
        return 1 - sum * a_norm * b_norm;
    }
};

// By the elements that are not zero, in the order of their places.
template <class Kernel>
class Sparse {
   public:
    explicit Sparse(const redkite_sparse& vectors) : vectors_(vectors), norms_(vectors.nodes) {
        for (size_t node = 0; node < vectors.nodes; node++) {
            float square = 0;
            for (uint64_t i = vectors.starts[node]; i < vectors.starts[node + 1]; i++) {
                square += vectors.numbers[i] * vectors.numbers[i];
            }
            norms_[node] = square > 0 ? 1 / std::sqrt(square) : 0;
        }
    }

    float between(int a, int b) const {
        const uint32_t* places = vectors_.places;
        const float* numbers = vectors_.numbers;
        uint64_t i = vectors_.starts[a], j = vectors_.starts[b];
        const uint64_t i_end = vectors_.starts[a + 1], j_end = vectors_.starts[b + 1];
        float sum = 0;
        while (i < i_end && j < j_end) {
            const bool has_a = places[i] <= places[j];
            const bool has_b = places[j] <= places[i];
            sum += Kernel::term(has_a ? numbers[i] : 0, has_b ? numbers[j] : 0);
            i += has_a;
            j += has_b;
        }
        for (; i < i_end; i++) {
            sum += Kernel::term(numbers[i], 0);
        }
        for (; j < j_end; j++) {
            sum += Kernel::term(0, numbers[j]);
        }
        return Kernel::distance(sum, norms_[a], norms_[b]);
    }
    void four(int node, const int* nodes, float* out) const {
        for (int i = 0; i < 4; i++) {
            out[i] = between(node, nodes[i]);
        }
    }
    void prefetch(int node) const {
        const uint64_t from = vectors_.starts[node];
        const size_t count = vectors_.starts[node + 1] - from;
        prefetch_bytes(vectors_.places + from, count * sizeof(uint32_t));
        prefetch_bytes(vectors_.numbers + from, count * sizeof(float));
    }

   private:
    const redkite_sparse& vectors_;
    std::vector<float> norms_;
};

} // namespace redkite

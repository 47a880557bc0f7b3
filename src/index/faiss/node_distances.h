// Distances between the nodes of a graph that is being built: less is nearer. By the vectors where they
// lie, or by codes of eight bits where these order neighbours as the vectors do.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <faiss/utils/distances.h>

#include "guard.h"
#include "threads.h"

namespace redkite {

// The nodes' vectors.
struct Vectors {
    const float* values;
    size_t dimensions;
    const uint32_t* rows;

    const float* operator[](size_t node) const {
        return values + (rows ? rows[node] : node) * dimensions;
    }
};

// Brings what is read soon towards the processor; of long vectors the beginning, which the hardware
// goes on from.
inline void prefetch_bytes(const void* from, size_t bytes) {
    const char* at = static_cast<const char*>(from);
    for (size_t i = 0; i < std::min<size_t>(bytes, 1024); i += 64) {
        __builtin_prefetch(at + i);
    }
}

struct L2 {
    static float one(const float* a, const float* b, size_t d) {
        return faiss::fvec_L2sqr(a, b, d);
    }
    static void four(const float* q, const float* const* v, size_t d, float* out) {
        faiss::fvec_L2sqr_batch_4(
                q, v[0], v[1], v[2], v[3], d, out[0], out[1], out[2], out[3]);
    }
};

struct InnerProduct {
    static float one(const float* a, const float* b, size_t d) {
        return -faiss::fvec_inner_product(a, b, d);
    }
    static void four(const float* q, const float* const* v, size_t d, float* out) {
        faiss::fvec_inner_product_batch_4(
                q, v[0], v[1], v[2], v[3], d, out[0], out[1], out[2], out[3]);
        for (int i = 0; i < 4; i++) {
            out[i] = -out[i];
        }
    }
};

struct L1 {
    static float one(const float* a, const float* b, size_t d) {
        return faiss::fvec_L1(a, b, d);
    }
    static void four(const float* q, const float* const* v, size_t d, float* out) {
        for (int i = 0; i < 4; i++) {
            out[i] = faiss::fvec_L1(q, v[i], d);
        }
    }
};

// By the vectors themselves.
template <class Kernel>
struct Flat {
    const Vectors& vectors;

    float between(int a, int b) const {
        return Kernel::one(vectors[a], vectors[b], vectors.dimensions);
    }
    void four(int node, const int* nodes, float* out) const {
        const float* v[4] = {
                vectors[nodes[0]], vectors[nodes[1]], vectors[nodes[2]], vectors[nodes[3]]};
        Kernel::four(vectors[node], v, vectors.dimensions, out);
    }
    void prefetch(int node) const {
        prefetch_bytes(vectors[node], vectors.dimensions * sizeof(float));
    }
};

// One less the cosine, the norms known beforehand.
class Angular {
   public:
    Angular(const Vectors& vectors, size_t nodes) : vectors_(vectors), norms_(nodes) {
        for (size_t i = 0; i < nodes; i++) {
            float square = faiss::fvec_norm_L2sqr(vectors[i], vectors.dimensions);
            norms_[i] = square > 0 ? 1 / std::sqrt(square) : 0;
        }
    }

    float between(int a, int b) const {
        float dot = faiss::fvec_inner_product(vectors_[a], vectors_[b], vectors_.dimensions);
        return 1 - dot * norms_[a] * norms_[b];
    }
    void four(int node, const int* nodes, float* out) const {
        faiss::fvec_inner_product_batch_4(
                vectors_[node], vectors_[nodes[0]], vectors_[nodes[1]], vectors_[nodes[2]],
                vectors_[nodes[3]], vectors_.dimensions, out[0], out[1], out[2], out[3]);
        for (int i = 0; i < 4; i++) {
            out[i] = 1 - out[i] * norms_[node] * norms_[nodes[i]];
        }
    }
    void prefetch(int node) const {
        prefetch_bytes(vectors_[node], vectors_.dimensions * sizeof(float));
    }

   private:
    const Vectors& vectors_;
    std::vector<float> norms_;
};

// By one byte for each number, all numbers on one scale: a quarter of the memory to read, and more numbers
// to an instruction. Of vectors of length one, where the angle counts. Numbers far outside the scale of
// nearly all are cut to its ends; are_faithful tells whether the codes will do.
class Codes {
   public:
    Codes(const Vectors& vectors, size_t nodes, bool angular)
            : vectors_(vectors), nodes_(nodes), angular_(angular) {
        padded_ = (vectors.dimensions + 31) / 32 * 32;
        std::vector<float> sample;
        std::vector<float> vector(vectors.dimensions);
        const size_t count = std::min(nodes, SAMPLE);
        for (size_t i = 0; i < count; i++) {
            load(i * nodes / count, vector.data());
            sample.insert(sample.end(), vector.begin(), vector.end());
        }
        sampled_ = sample;
        std::sort(sample.begin(), sample.end());
        const size_t cut = sample.size() / 2000;
        least_ = sample[cut];
        const float most = sample[sample.size() - 1 - cut];
        // Some room, since the sample has not seen all.
        const float room = (most - least_) * 0.05f;
        least_ -= room;
        const float step = (most - least_ + room) / 255;
        scale_ = step > 0 && std::isfinite(step) ? 1 / step : 0;
        if (!std::isfinite(scale_)) {
            scale_ = 0;
        }
    }

    // Whether codes are worth it, and tell the distance of near vectors nearly as the vectors do.
    bool are_faithful() const {
        const size_t d = vectors_.dimensions;
        const size_t count = sampled_.size() / d;
        if (d < 32 || count < 100 || scale_ == 0) {
            return false;
        }
        std::vector<uint8_t> a(padded_), b(padded_);
        double off = 0;
        size_t asked = 0;
        for (size_t i = 0; i < count; i += count / 50) {
            const float* query = &sampled_[i * d];
            size_t nearest = i;
            float least = std::numeric_limits<float>::infinity();
            for (size_t j = 0; j < count; j++) {
                const float distance = faiss::fvec_L2sqr(query, &sampled_[j * d], d);
                if (distance > 0 && distance < least) {
                    least = distance;
                    nearest = j;
                }
            }
            if (nearest == i) {
                continue;
            }
            encode(query, a.data());
            encode(&sampled_[nearest * d], b.data());
            const float coded = squares(a.data(), b.data(), padded_) / (scale_ * scale_);
            off += std::abs(coded - least) / least;
            asked++;
        }
        return asked > 0 && off / asked < 0.02;
    }

    // The memory that they take.
    uint64_t bytes() const {
        return static_cast<uint64_t>(nodes_) * padded_;
    }

    // Makes the codes of all nodes.
    void fill(const Work& work) {
        codes_.resize(nodes_ * padded_);
        std::vector<float> vector(vectors_.dimensions);
        for (size_t node = 0; node < nodes_; node++) {
            if (node % 4096 == 0) {
                work.check();
            }
            load(node, vector.data());
            encode(vector.data(), &codes_[node * padded_]);
        }
    }

    float between(int a, int b) const {
        return squares(code(a), code(b), padded_);
    }
    void four(int node, const int* nodes, float* out) const {
        for (int i = 0; i < 4; i++) {
            out[i] = squares(code(node), code(nodes[i]), padded_);
        }
    }
    void prefetch(int node) const {
        prefetch_bytes(code(node), padded_);
    }

   private:
    static constexpr size_t SAMPLE = 2000;

    const Vectors& vectors_;
    size_t nodes_;
    bool angular_;
    size_t padded_;
    float least_;
    float scale_;
    std::vector<float> sampled_;
    std::vector<uint8_t> codes_;

    const uint8_t* code(int node) const {
        return &codes_[static_cast<size_t>(node) * padded_];
    }

    void load(size_t node, float* out) const {
        const float* vector = vectors_[node];
        float factor = 1;
        if (angular_) {
            const float square = faiss::fvec_norm_L2sqr(vector, vectors_.dimensions);
            factor = square > 0 ? 1 / std::sqrt(square) : 0;
        }
        for (size_t i = 0; i < vectors_.dimensions; i++) {
            out[i] = vector[i] * factor;
        }
    }

    // Padding stays zero in all codes.
    void encode(const float* vector, uint8_t* out) const {
        for (size_t i = 0; i < vectors_.dimensions; i++) {
            const float at = (vector[i] - least_) * scale_ + 0.5f;
            out[i] = static_cast<uint8_t>(std::min(std::max(at, 0.0f), 255.0f));
        }
    }

    // The sum of the squared differences: at most 2^16 for each of 16,000 numbers. Written so that compilers
    // make multiplications of pairs of it.
    static float squares(const uint8_t* a, const uint8_t* b, size_t bytes) {
        int32_t sum = 0;
        for (size_t i = 0; i < bytes; i++) {
            const int16_t difference = static_cast<int16_t>(a[i] - b[i]);
            sum += static_cast<int32_t>(difference) * static_cast<int32_t>(difference);
        }
        return static_cast<float>(sum);
    }
};

} // namespace redkite

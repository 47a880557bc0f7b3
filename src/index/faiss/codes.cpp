// Product quantization with four bits a subspace, laid out for SIMD look-ups ("fast scan"): FAISS
// trains the codebooks, encodes, packs and scans. The look-up tables are the caller's.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <faiss/impl/ProductQuantizer.h>
#include <faiss/impl/pq4_fast_scan.h>

#include "guard.h"
#include "threads.h"

namespace {

constexpr size_t BLOCK = 32;

faiss::ProductQuantizer quantizer(size_t dimensions, size_t subspaces) {
    faiss::ProductQuantizer pq(dimensions, subspaces, 4);
    pq.cp.min_points_per_centroid = 1;
    pq.cp.check_input_data_for_NaNs = false;
    return pq;
}

} // namespace

extern "C" int32_t redkite_codebooks(
        const float* sample,
        size_t count,
        size_t dimensions,
        size_t subspaces,
        const redkite_work* raw_work,
        float* codebooks,
        redkite_message* message) {
    return redkite::guard(message, [&] {
        redkite::Work work(raw_work);
        // Each subspace is trained by itself: a quantizer of one subspace, on a thread of its own.
        size_t width = dimensions / subspaces;
        redkite::parallel(work, subspaces, 1, [&](redkite::Blocks& blocks) {
            redkite::ThreadLimit limit(1);
            std::vector<float> slice(count * width);
            size_t from, to;
            while (blocks.next(&from, &to)) {
                for (size_t i = 0; i < count; i++) {
                    std::memcpy(
                            &slice[i * width], sample + i * dimensions + from * width,
                            width * sizeof(float));
                }
                faiss::ProductQuantizer pq = quantizer(width, 1);
                pq.train(count, slice.data());
                std::memcpy(
                        codebooks + from * pq.ksub * width, pq.centroids.data(),
                        pq.ksub * width * sizeof(float));
            }
        });
    });
}

extern "C" int32_t redkite_encode(
        const redkite_coded* coded,
        const float* values,
        const uint32_t* rows,
        const uint64_t* list_ends,
        size_t lists,
        const float* centroids,
        const redkite_work* raw_work,
        uint8_t* codes,
        redkite_message* message) {
    return redkite::guard(message, [&] {
        redkite::Work work(raw_work);
        size_t d = coded->dimensions, padded = coded->padded_dimensions;
        size_t m = coded->subspaces, packed = (m + 1) / 2 * 2;
        faiss::ProductQuantizer pq = quantizer(padded, m);
        std::memcpy(
                pq.centroids.data(), coded->codebooks, pq.centroids.size() * sizeof(float));
        // Where each list's codes begin, in blocks.
        std::vector<size_t> starts(lists + 1, 0);
        for (size_t list = 0; list < lists; list++) {
            size_t count = list_ends[list] - (list ? list_ends[list - 1] : 0);
            starts[list + 1] = starts[list] + (count + BLOCK - 1) / BLOCK;
        }
        redkite::parallel(work, lists, 1, [&](redkite::Blocks& blocks) {
            std::vector<float> residual(padded, 0.0f);
            std::vector<uint8_t> flat;
            size_t list, end;
            while (blocks.next(&list, &end)) {
                size_t from = list ? list_ends[list - 1] : 0;
                size_t count = list_ends[list] - from;
                flat.assign(count * pq.code_size, 0);
                for (size_t i = 0; i < count; i++) {
                    if (i % 256 == 0) {
                        work.check();
                    }
                    const float* vector = values + rows[from + i] * d;
                    float scale = 1;
                    if (coded->normalised) {
                        float square = 0;
                        for (size_t j = 0; j < d; j++) {
                            square += vector[j] * vector[j];
                        }
                        scale = square > 0 ? 1 / std::sqrt(square) : 0;
                    }
                    const float* centroid = centroids + list * d;
                    for (size_t j = 0; j < d; j++) {
                        residual[j] = vector[j] * scale - centroid[j];
                    }
                    pq.compute_code(residual.data(), &flat[i * pq.code_size]);
                }
                if (count > 0) {
                    size_t blocks_of_list = starts[list + 1] - starts[list];
                    faiss::pq4_pack_codes(
                            flat.data(), count, m, blocks_of_list * BLOCK, BLOCK, packed,
                            codes + starts[list] * BLOCK * packed / 2);
                }
            }
        });
    });
}

extern "C" int32_t redkite_scan(
        size_t blocks,
        size_t subspaces,
        const uint8_t* codes,
        const uint8_t* table,
        uint16_t* sums,
        redkite_message* message) {
    return redkite::guard(message, [&] {
        faiss::accumulate_to_mem(
                1, blocks * BLOCK, static_cast<int>(subspaces), codes, table, sums);
    });
}

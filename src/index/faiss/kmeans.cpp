// Centroids and the assignment of vectors to them. FAISS does the clustering; the assignment,
// where the time goes, is ours: blocks of matrix products, on exactly the threads that the caller
// allows, stopped between two blocks.

#include <dlfcn.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <vector>

#include <faiss/Clustering.h>
#include <faiss/Index.h>
#include <faiss/utils/distances.h>

#include "guard.h"
#include "threads.h"

extern "C" int sgemm_(
        const char* transa, const char* transb, const int* m, const int* n, const int* k,
        const float* alpha, const float* a, const int* lda, const float* b, const int* ldb,
        const float* beta, float* c, const int* ldc);

namespace {

using faiss::idx_t;

// OpenBLAS would start threads of its own beside ours.
void one_blas_thread() {
    static const bool done = [] {
        using Set = void (*)(int);
        if (auto set = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) {
            set(1);
        }
        return true;
    }();
    (void)done;
}

// Centroids, and what is taken off the inner product with each: half its square where the
// Euclidean distance decides, nothing where the angle does.
struct Centroids {
    const float* values;
    size_t count;
    size_t dimensions;
    std::vector<float> bias;

    Centroids(const float* values, size_t count, size_t dimensions, bool angular)
            : values(values), count(count), dimensions(dimensions), bias(count, 0.0f) {
        for (size_t i = 0; i < count && !angular; i++) {
            bias[i] = faiss::fvec_norm_L2sqr(values + i * dimensions, dimensions) / 2;
        }
    }
};

constexpr size_t POINTS_AT_ONCE = 128;
constexpr size_t CENTROIDS_AT_ONCE = 1024;

// The nearest centroid of each of up to POINTS_AT_ONCE vectors, the lowest of equal ones.
void assign_block(
        const Centroids& centroids,
        const float* vectors,
        size_t count,
        std::vector<float>& products,
        uint32_t* nearest) {
    float best[POINTS_AT_ONCE];
    std::fill(best, best + count, -std::numeric_limits<float>::infinity());
    std::fill(nearest, nearest + count, 0);
    products.resize(POINTS_AT_ONCE * CENTROIDS_AT_ONCE);
    for (size_t from = 0; from < centroids.count; from += CENTROIDS_AT_ONCE) {
        int m = static_cast<int>(std::min(CENTROIDS_AT_ONCE, centroids.count - from));
        int n = static_cast<int>(count);
        int k = static_cast<int>(centroids.dimensions);
        float one = 1, zero = 0;
        sgemm_("T", "N", &m, &n, &k, &one, centroids.values + from * centroids.dimensions, &k,
               vectors, &k, &zero, products.data(), &m);
        const float* bias = centroids.bias.data() + from;
        for (size_t i = 0; i < count; i++) {
            const float* row = products.data() + i * m;
            float highest = best[i];
            for (int j = 0; j < m; j++) {
                float value = row[j] - bias[j];
                highest = value > highest ? value : highest;
            }
            if (highest > best[i]) {
                best[i] = highest;
                for (int j = 0; j < m; j++) {
                    if (row[j] - bias[j] == highest) {
                        nearest[i] = static_cast<uint32_t>(from + j);
                        break;
                    }
                }
            }
        }
    }
}

// The nearest centroid of each vector.
void assign_all(
        const Centroids& centroids,
        const redkite_points& points,
        const redkite::Work& work,
        bool count_done,
        uint32_t* nearest) {
    one_blas_thread();
    size_t d = points.dimensions;
    redkite::parallel(work, points.nodes, POINTS_AT_ONCE, [&](redkite::Blocks& blocks) {
        std::vector<float> products, gathered;
        size_t from, to;
        while (blocks.next(&from, &to)) {
            const float* vectors = points.values + from * d;
            if (points.rows) {
                gathered.resize(POINTS_AT_ONCE * d);
                for (size_t i = from; i < to; i++) {
                    std::memcpy(
                            &gathered[(i - from) * d], points.values + points.rows[i] * d,
                            d * sizeof(float));
                }
                vectors = gathered.data();
            }
            assign_block(centroids, vectors, to - from, products, nearest + from);
            if (count_done) {
                work.done(to - from);
            }
        }
    });
}

// What FAISS's clustering asks for nearest centroids.
struct Assigner : faiss::Index {
    const redkite::Work& work;
    bool angular;
    const float* centroids = nullptr;

    Assigner(int dimensions, bool angular, const redkite::Work& work)
            : faiss::Index(
                      dimensions,
                      angular ? faiss::METRIC_INNER_PRODUCT : faiss::METRIC_L2),
              work(work), angular(angular) {}

    void add(idx_t n, const float* x) override {
        centroids = x;
        ntotal = n;
    }
    void reset() override {
        centroids = nullptr;
        ntotal = 0;
    }
    void search(
            idx_t n, const float* x, idx_t, float* distances, idx_t* labels,
            const faiss::SearchParameters*) const override {
        Centroids table(centroids, ntotal, d, angular);
        std::vector<uint32_t> nearest(n);
        redkite_points points{x, static_cast<size_t>(d), nullptr, static_cast<size_t>(n)};
        assign_all(table, points, work, false, nearest.data());
        std::copy(nearest.begin(), nearest.end(), labels);
        std::fill(distances, distances + n, 0.0f);
    }
};

} // namespace

extern "C" int32_t redkite_kmeans(
        const float* sample,
        size_t count,
        size_t dimensions,
        size_t lists,
        int32_t angular,
        int32_t iterations,
        const redkite_work* raw_work,
        float* out,
        redkite_message* message) {
    return redkite::guard(message, [&] {
        redkite::Work work(raw_work);
        redkite::ThreadLimit limit(work.threads());
        faiss::ClusteringParameters parameters;
        parameters.niter = iterations;
        parameters.spherical = angular != 0;
        parameters.min_points_per_centroid = 1;
        parameters.max_points_per_centroid = std::numeric_limits<int>::max() / 2;
        parameters.check_input_data_for_NaNs = false;
        faiss::Clustering clustering(
                static_cast<int>(dimensions), static_cast<int>(lists), parameters);
        Assigner assigner(static_cast<int>(dimensions), angular != 0, work);
        clustering.train(static_cast<idx_t>(count), sample, assigner);
        std::memcpy(out, clustering.centroids.data(), lists * dimensions * sizeof(float));
    });
}

extern "C" int32_t redkite_assign(
        const redkite_points* points,
        const float* centroids,
        size_t lists,
        int32_t angular,
        const redkite_work* raw_work,
        uint32_t* nearest,
        redkite_message* message) {
    return redkite::guard(message, [&] {
        redkite::Work work(raw_work);
        Centroids table(centroids, lists, points->dimensions, angular != 0);
        assign_all(table, *points, work, true, nearest);
    });
}

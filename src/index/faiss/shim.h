// The C side of what Redkite asks of FAISS. Every function returns a redkite_status and never
// lets a C++ exception out; a failure writes its reason into `message`.
//
// The caller keeps every array alive and of the length told for the duration of the call.

#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum redkite_status {
    REDKITE_OK = 0,
    REDKITE_CANCELLED = 1,
    REDKITE_OUT_OF_MEMORY = 2,
    REDKITE_FAILED = 3,
};

enum redkite_metric {
    REDKITE_L2 = 0,
    REDKITE_INNER_PRODUCT = 1,
    REDKITE_COSINE = 2,
    REDKITE_L1 = 3,
    REDKITE_HAMMING = 4,
    REDKITE_JACCARD = 5,
};

// Where a failure tells its reason: NUL-terminated, cut when it is longer.
struct redkite_message {
    char text[256];
};

// Long work: how many threads and bytes of memory it may use, where it hears that it must stop, and
// where it tells how many rows are done.
struct redkite_work {
    int32_t threads;
    uint64_t memory;
    const uint8_t* cancelled;
    uint64_t* done;
};

// Vectors that lie one behind the other, `nodes` of them chosen by their rows.
struct redkite_points {
    const float* values;
    size_t dimensions;
    // NULL: node i is row i
    const uint32_t* rows;
    size_t nodes;
};

// Bit strings that lie one behind the other, each in `stride` words.
struct redkite_bits {
    const uint64_t* words;
    size_t stride;
    size_t nodes;
};

// Sparse vectors: node i has the places and numbers from `starts[i]` to `starts[i + 1]`, the places
// ascending.
struct redkite_sparse {
    const uint64_t* starts;
    const uint32_t* places;
    const float* numbers;
    size_t nodes;
};

struct redkite_hnsw;

// Builds the graph; on success `*out` is to be freed with redkite_hnsw_free.
int32_t redkite_hnsw_build(
        const struct redkite_points* points,
        int32_t metric,
        int32_t m,
        int32_t ef_construction,
        const struct redkite_work* work,
        struct redkite_hnsw** out,
        struct redkite_message* message);

// The same over bit strings, by the metrics of bits, and over sparse vectors, by those of numbers.
int32_t redkite_hnsw_build_bits(
        const struct redkite_bits* bits,
        int32_t metric,
        int32_t m,
        int32_t ef_construction,
        const struct redkite_work* work,
        struct redkite_hnsw** out,
        struct redkite_message* message);
int32_t redkite_hnsw_build_sparse(
        const struct redkite_sparse* vectors,
        int32_t metric,
        int32_t m,
        int32_t ef_construction,
        const struct redkite_work* work,
        struct redkite_hnsw** out,
        struct redkite_message* message);

void redkite_hnsw_free(struct redkite_hnsw* graph);

// The node where a search begins, and the highest level (0 is the lowest); -1 for an empty graph.
int64_t redkite_hnsw_entry(const struct redkite_hnsw* graph);
int32_t redkite_hnsw_max_level(const struct redkite_hnsw* graph);

// The highest level of each node: `nodes` bytes.
void redkite_hnsw_levels(const struct redkite_hnsw* graph, uint8_t* levels);

// The neighbours of a node that reaches this level: up to `capacity` (2m on level 0, m above);
// returns how many.
size_t redkite_hnsw_neighbours(
        const struct redkite_hnsw* graph,
        size_t node,
        int32_t level,
        uint32_t* neighbours,
        size_t capacity);

// Centroids of `count` vectors (at least as many as `lists`): `lists * dimensions` numbers.
// `angular`: the angle decides, the vectors are normalised and the centroids will be.
int32_t redkite_kmeans(
        const float* sample,
        size_t count,
        size_t dimensions,
        size_t lists,
        int32_t angular,
        int32_t iterations,
        const struct redkite_work* work,
        float* centroids,
        struct redkite_message* message);

// The nearest centroid of each of the points, the lowest of equal ones.
int32_t redkite_assign(
        const struct redkite_points* points,
        const float* centroids,
        size_t lists,
        int32_t angular,
        const struct redkite_work* work,
        uint32_t* nearest,
        struct redkite_message* message);

// Codebooks of sixteen entries for each subspace of `dimensions / subspaces` numbers, one behind
// the other.
int32_t redkite_codebooks(
        const float* sample,
        size_t count,
        size_t dimensions,
        size_t subspaces,
        const struct redkite_work* work,
        float* codebooks,
        struct redkite_message* message);

// How vectors are encoded: what is left of one when its list's centroid is taken off, padded with
// zeros, each subspace by its nearest entry.
struct redkite_coded {
    size_t dimensions;
    size_t padded_dimensions;
    size_t subspaces;
    const float* codebooks;
    // whether vectors are brought to length one first
    int32_t normalised;
};

// Encodes the rows of lists, list after list: `list_ends[i]` is where list i's rows end. A list's
// codes are whole blocks of 32 rows; an odd number of subspaces is rounded up.
int32_t redkite_encode(
        const struct redkite_coded* coded,
        const float* values,
        const uint32_t* rows,
        const uint64_t* list_ends,
        size_t lists,
        const float* centroids,
        const struct redkite_work* work,
        uint8_t* codes,
        struct redkite_message* message);

// Adds up the table's entries of each of `blocks * 32` codes; `subspaces` is even, the table 16
// bytes for each, and the sum of the highest of each fits 16 bits.
int32_t redkite_scan(
        size_t blocks,
        size_t subspaces,
        const uint8_t* codes,
        const uint8_t* table,
        uint16_t* sums,
        struct redkite_message* message);

// Gives the calling thread, and those it starts from now on, a smaller share than the others have.
void redkite_stand_back(void);

#ifdef __cplusplus
}
#endif

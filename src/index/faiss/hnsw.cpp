// Builds HNSW graphs, FAISS's, over vectors that stay where they are: a build costs the memory of
// the graph, and for vectors of numbers that of codes of them.

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/HNSW.h>

#include "code_distances.h"
#include "guard.h"
#include "node_distances.h"
#include "threads.h"

namespace {

using faiss::idx_t;
using namespace redkite;

// The nodes, the highest level first, shuffled within a level: as IndexHNSW orders them.
std::vector<int> insertion_order(const faiss::HNSW& hnsw, size_t nodes) {
    std::vector<int> order(nodes);
    std::iota(order.begin(), order.end(), 0);
    std::mt19937 random(789);
    for (size_t i = nodes; i > 1; i--) {
        std::swap(order[i - 1], order[random() % i]);
    }
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
        return hnsw.levels[a] > hnsw.levels[b];
    });
    return order;
}

} // namespace

struct redkite_hnsw {
    faiss::HNSW hnsw;
    size_t nodes;

    redkite_hnsw(int m, size_t nodes) : hnsw(m), nodes(nodes) {}
};

namespace {

// A lock for each node: lists are short and rarely fought for.
class Locks {
   public:
    explicit Locks(size_t nodes) : taken_(nodes) {}

    class Guard {
       public:
        explicit Guard(std::atomic<bool>& taken) : taken_(taken) {
            while (taken_.exchange(true, std::memory_order_acquire)) {
                std::this_thread::yield();
            }
        }
        ~Guard() {
            taken_.store(false, std::memory_order_release);
        }
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;

       private:
        std::atomic<bool>& taken_;
    };

    Guard lock(int node) {
        return Guard(taken_[node]);
    }

   private:
    std::vector<std::atomic<bool>> taken_;
};

// A node and how far it is.
struct Near {
    float distance;
    int node;

    bool operator<(const Near& other) const {
        return distance < other.distance ||
                (distance == other.distance && node < other.node);
    }
    bool operator>(const Near& other) const {
        return other < *this;
    }
};

// Adds nodes to FAISS's graph by its algorithm, with what it leaves out: vectors are fetched
// ahead of their use, and nothing is allocated for each node. Lists are read without their locks,
// as FAISS does: what is seen is the old neighbour or the new one.
template <class Distances>
class Inserter {
   public:
    Inserter(redkite_hnsw& graph, const Distances& distances, Locks& locks)
            : hnsw_(graph.hnsw),
              distances_(distances),
              locks_(locks),
              visited_(static_cast<int>(graph.nodes)) {}

    void insert(int node, int level) {
        Near nearest{0, hnsw_.entry_point};
        nearest.distance = distances_.between(node, nearest.node);
        int at = hnsw_.max_level;
        for (; at > level; at--) {
            descend(node, at, nearest);
        }
        for (; at >= 0; at--) {
            search(node, at, nearest);
            nearest = found_.front();
            select(found_, hnsw_.nb_neighbors(at));
            link(node, at);
        }
    }

   private:
    faiss::HNSW& hnsw_;
    const Distances& distances_;
    Locks& locks_;
    faiss::VisitedTable visited_;
    std::vector<Near> frontier_, found_, kept_, crowd_;
    std::vector<int> fresh_;

    int* list(int node, int level) {
        size_t begin, end;
        hnsw_.neighbor_range(node, level, &begin, &end);
        return hnsw_.neighbors.data() + begin;
    }

    static int seen(const int* neighbour) {
        return __atomic_load_n(neighbour, __ATOMIC_RELAXED);
    }

    // Neighbours of a node that were not met before, their vectors on the way.
    void meet(int node, int level) {
        fresh_.clear();
        const int* neighbours = list(node, level);
        int degree = hnsw_.nb_neighbors(level);
        for (int i = 0; i < degree; i++) {
            int next = seen(neighbours + i);
            if (next < 0) {
                break;
            }
            if (visited_.get(next)) {
                continue;
            }
            visited_.set(next);
            fresh_.push_back(next);
            distances_.prefetch(next);
        }
    }

    // Calls `take` with each of `nodes` and its distance from `node`.
    template <class Take>
    void measure(int node, const std::vector<int>& nodes, Take&& take) {
        size_t i = 0;
        float out[4];
        for (; i + 4 <= nodes.size(); i += 4) {
            distances_.four(node, &nodes[i], out);
            for (int j = 0; j < 4; j++) {
                take(Near{out[j], nodes[i + j]});
            }
        }
        for (; i < nodes.size(); i++) {
            take(Near{distances_.between(node, nodes[i]), nodes[i]});
        }
    }

    // Goes to the nearest node of a level.
    void descend(int node, int level, Near& nearest) {
        for (int before = -1; before != nearest.node;) {
            before = nearest.node;
            meet(before, level);
            measure(node, fresh_, [&](Near near) {
                if (near < nearest) {
                    nearest = near;
                }
            });
        }
        visited_.advance();
    }

    // Finds the nearest nodes of a level, the nearest first, into found_.
    void search(int node, int level, Near start) {
        size_t width = hnsw_.efConstruction;
        std::greater<Near> nearest_first;
        frontier_.assign(1, start);
        found_.assign(1, start);
        visited_.set(start.node);
        visited_.set(node);
        while (!frontier_.empty()) {
            std::pop_heap(frontier_.begin(), frontier_.end(), nearest_first);
            Near next = frontier_.back();
            frontier_.pop_back();
            if (next.distance > found_.front().distance && found_.size() >= width) {
                break;
            }
            meet(next.node, level);
            measure(node, fresh_, [&](Near near) {
                if (found_.size() >= width) {
                    if (!(near < found_.front())) {
                        return;
                    }
                    std::pop_heap(found_.begin(), found_.end());
                    found_.pop_back();
                }
                found_.push_back(near);
                std::push_heap(found_.begin(), found_.end());
                frontier_.push_back(near);
                std::push_heap(frontier_.begin(), frontier_.end(), nearest_first);
            });
        }
        visited_.advance();
        std::sort_heap(found_.begin(), found_.end());
    }

    // Keeps of nodes, the nearest first, those that no kept one is nearer to, up to `most`.
    void select(std::vector<Near>& nodes, size_t most) {
        kept_.clear();
        for (const Near& candidate : nodes) {
            bool good = std::none_of(kept_.begin(), kept_.end(), [&](const Near& other) {
                return distances_.between(other.node, candidate.node) < candidate.distance;
            });
            if (good) {
                kept_.push_back(candidate);
                if (kept_.size() >= most) {
                    break;
                }
            }
        }
        nodes.swap(kept_);
    }

    // Links a node with those found, in both directions.
    void link(int node, int level) {
        {
            auto guard = locks_.lock(node);
            for (const Near& other : found_) {
                add(node, other, level);
            }
        }
        for (const Near& other : found_) {
            auto guard = locks_.lock(other.node);
            add(other.node, Near{other.distance, node}, level);
        }
    }

    // Adds a neighbour to a node's list; when it is full, the best are kept.
    void add(int node, Near neighbour, int level) {
        int* neighbours = list(node, level);
        int degree = hnsw_.nb_neighbors(level);
        int count = degree;
        while (count > 0 && neighbours[count - 1] < 0) {
            count--;
        }
        // Two nodes that were added at once may have found each other.
        if (std::find(neighbours, neighbours + count, neighbour.node) != neighbours + count) {
            return;
        }
        if (count < degree) {
            __atomic_store_n(neighbours + count, neighbour.node, __ATOMIC_RELAXED);
            return;
        }
        fresh_.assign(neighbours, neighbours + degree);
        crowd_.assign(1, neighbour);
        measure(node, fresh_, [&](Near near) { crowd_.push_back(near); });
        std::sort(crowd_.begin(), crowd_.end());
        select(crowd_, degree);
        for (int i = 0; i < degree; i++) {
            int value = i < static_cast<int>(crowd_.size()) ? crowd_[i].node : -1;
            __atomic_store_n(neighbours + i, value, __ATOMIC_RELAXED);
        }
    }
};

// Adds all nodes, level by level from the highest.
template <class Distances>
void add_all(redkite_hnsw& graph, const Distances& distances, const redkite::Work& work) {
    faiss::HNSW& hnsw = graph.hnsw;
    std::vector<int> order = insertion_order(hnsw, graph.nodes);
    Locks locks(graph.nodes);
    hnsw.entry_point = order[0];
    hnsw.max_level = hnsw.levels[order[0]] - 1;
    work.done(1);
    for (size_t from = 1; from < order.size();) {
        int level = hnsw.levels[order[from]] - 1;
        size_t to = from;
        while (to < order.size() && hnsw.levels[order[to]] - 1 == level) {
            to++;
        }
        // Few nodes don't pay for threads.
        int threads = to - from > 100 ? work.threads() : 1;
        redkite::parallel(work, from, to, 16, threads, [&](redkite::Blocks& blocks) {
            Inserter<Distances> inserter(graph, distances, locks);
            size_t at, end;
            while (blocks.next(&at, &end)) {
                for (size_t i = at; i < end; i++) {
                    inserter.insert(order[i], level);
                }
                work.done(end - at);
            }
        });
        from = to;
    }
}

// Makes a graph of so many nodes; `add` adds them, where there are any.
template <class Add>
int32_t build(
        size_t nodes,
        int32_t m,
        int32_t ef_construction,
        const redkite_work* raw_work,
        redkite_hnsw** out,
        redkite_message* message,
        Add&& add) {
    return redkite::guard(message, [&] {
        redkite::Work work(raw_work);
        auto graph = std::make_unique<redkite_hnsw>(m, nodes);
        graph->hnsw.efConstruction = ef_construction;
        graph->hnsw.prepare_level_tab(nodes);
        if (nodes > 0) {
            add(*graph, work);
        }
        *out = graph.release();
    });
}

// Adds vectors by what their metric compares.
void add_vectors(
        redkite_hnsw& graph,
        const Vectors& vectors,
        int32_t metric,
        const redkite::Work& work) {
    const bool angular = metric == REDKITE_COSINE;
    if (metric == REDKITE_L2 || angular) {
        Codes codes(vectors, graph.nodes, angular);
        const faiss::HNSW& hnsw = graph.hnsw;
        const uint64_t graph_bytes =
                hnsw.neighbors.size() * sizeof(faiss::HNSW::storage_idx_t) +
                hnsw.offsets.size() * sizeof(size_t);
        if (graph_bytes + codes.bytes() <= work.memory() && codes.are_faithful()) {
            codes.fill(work);
            add_all(graph, codes, work);
            return;
        }
    }
    switch (metric) {
        case REDKITE_L2:
            add_all(graph, Flat<L2>{vectors}, work);
            break;
        case REDKITE_INNER_PRODUCT:
            add_all(graph, Flat<InnerProduct>{vectors}, work);
            break;
        case REDKITE_COSINE:
            add_all(graph, Angular(vectors, graph.nodes), work);
            break;
        case REDKITE_L1:
            add_all(graph, Flat<L1>{vectors}, work);
            break;
        default:
            throw std::invalid_argument("a metric of bits");
    }
}

} // namespace

extern "C" int32_t redkite_hnsw_build(
        const redkite_points* points,
        int32_t metric,
        int32_t m,
        int32_t ef_construction,
        const redkite_work* raw_work,
        redkite_hnsw** out,
        redkite_message* message) {
    auto add = [&](redkite_hnsw& graph, const redkite::Work& work) {
        Vectors vectors{points->values, points->dimensions, points->rows};
        add_vectors(graph, vectors, metric, work);
    };
    return build(points->nodes, m, ef_construction, raw_work, out, message, add);
}

extern "C" int32_t redkite_hnsw_build_bits(
        const redkite_bits* bits,
        int32_t metric,
        int32_t m,
        int32_t ef_construction,
        const redkite_work* raw_work,
        redkite_hnsw** out,
        redkite_message* message) {
    auto add = [&](redkite_hnsw& graph, const redkite::Work& work) {
        if (metric == REDKITE_JACCARD) {
            add_all(graph, Bits<Jaccard>{*bits}, work);
        } else {
            add_all(graph, Bits<Hamming>{*bits}, work);
        }
    };
    return build(bits->nodes, m, ef_construction, raw_work, out, message, add);
}

extern "C" int32_t redkite_hnsw_build_sparse(
        const redkite_sparse* vectors,
        int32_t metric,
        int32_t m,
        int32_t ef_construction,
        const redkite_work* raw_work,
        redkite_hnsw** out,
        redkite_message* message) {
    auto add = [&](redkite_hnsw& graph, const redkite::Work& work) {
        switch (metric) {
            case REDKITE_L2:
                add_all(graph, Sparse<SparseL2>(*vectors), work);
                break;
            case REDKITE_INNER_PRODUCT:
                add_all(graph, Sparse<SparseInnerProduct>(*vectors), work);
                break;
            case REDKITE_COSINE:
                add_all(graph, Sparse<SparseCosine>(*vectors), work);
                break;
            case REDKITE_L1:
                add_all(graph, Sparse<SparseL1>(*vectors), work);
                break;
            default:
                throw std::invalid_argument("a metric of bits");
        }
    };
    return build(vectors->nodes, m, ef_construction, raw_work, out, message, add);
}

extern "C" void redkite_hnsw_free(redkite_hnsw* graph) {
    delete graph;
}

extern "C" int64_t redkite_hnsw_entry(const redkite_hnsw* graph) {
    return graph->hnsw.entry_point;
}

extern "C" int32_t redkite_hnsw_max_level(const redkite_hnsw* graph) {
    return graph->hnsw.max_level;
}

extern "C" void redkite_hnsw_levels(const redkite_hnsw* graph, uint8_t* levels) {
    for (size_t node = 0; node < graph->nodes; node++) {
        levels[node] = static_cast<uint8_t>(graph->hnsw.levels[node] - 1);
    }
}

extern "C" size_t redkite_hnsw_neighbours(
        const redkite_hnsw* graph,
        size_t node,
        int32_t level,
        uint32_t* neighbours,
        size_t capacity) {
    if (node >= graph->nodes || level < 0 || level >= graph->hnsw.levels[node]) {
        return 0;
    }
    size_t begin, end;
    graph->hnsw.neighbor_range(static_cast<idx_t>(node), level, &begin, &end);
    size_t count = 0;
    for (size_t i = begin; i < end && count < capacity; i++) {
        faiss::HNSW::storage_idx_t neighbour = graph->hnsw.neighbors[i];
        if (neighbour < 0) {
            break;
        }
        neighbours[count++] = static_cast<uint32_t>(neighbour);
    }
    return count;
}

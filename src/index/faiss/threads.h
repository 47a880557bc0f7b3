// Work in blocks on exactly as many threads as the caller allows.

#pragma once

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>

#include "guard.h"

namespace redkite {

// Hands out blocks of [from, to) until there are none left, the work is cancelled or a thread
// failed.
class Blocks {
   public:
    Blocks(const Work& work, size_t from, size_t to, size_t size)
            : work_(work), next_(from), end_(to), size_(size) {}

    bool next(size_t* from, size_t* to) {
        if (stop_.load(std::memory_order_relaxed)) {
            return false;
        }
        work_.check();
        size_t at = next_.fetch_add(size_, std::memory_order_relaxed);
        if (at >= end_) {
            return false;
        }
        *from = at;
        *to = std::min(at + size_, end_);
        return true;
    }

    void failed() {
        std::lock_guard<std::mutex> guard(lock_);
        stop_ = true;
        if (!error_) {
            error_ = std::current_exception();
        }
    }

    void rethrow() {
        if (error_) {
            std::rethrow_exception(error_);
        }
    }

   private:
    const Work& work_;
    std::atomic<size_t> next_;
    size_t end_;
    size_t size_;
    std::atomic<bool> stop_{false};
    std::mutex lock_;
    std::exception_ptr error_;
};

// Runs `body(blocks)` on each thread; what one of them throws is thrown here.
template <class Body>
void parallel(const Work& work, size_t from, size_t to, size_t size, int threads, Body&& body) {
    Blocks blocks(work, from, to, size);
#pragma omp parallel num_threads(threads)
    {
        try {
            body(blocks);
        } catch (...) {
            blocks.failed();
        }
    }
    blocks.rethrow();
}

template <class Body>
void parallel(const Work& work, size_t count, size_t size, Body&& body) {
    parallel(work, 0, count, size, work.threads(), body);
}

// While it lives, parallel regions that FAISS opens on this thread have so many threads.
class ThreadLimit {
   public:
    explicit ThreadLimit(int threads) : before_(omp_get_max_threads()) {
        omp_set_num_threads(threads);
    }
    ~ThreadLimit() {
        omp_set_num_threads(before_);
    }
    ThreadLimit(const ThreadLimit&) = delete;
    ThreadLimit& operator=(const ThreadLimit&) = delete;

   private:
    int before_;
};

} // namespace redkite

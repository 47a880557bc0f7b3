// What keeps C++ exceptions on this side, and what stops long work.

#pragma once

#include <cstdio>
#include <exception>
#include <new>

#include "shim.h"

namespace redkite {

// Thrown inside when the work was cancelled.
struct Cancelled {};

inline void tell(redkite_message* message, const char* reason) {
    snprintf(message->text, sizeof(message->text), "%s", reason);
}

// Runs `body` and turns whatever it throws into a status.
template <class Body>
int32_t guard(redkite_message* message, Body&& body) noexcept {
    try {
        body();
        return REDKITE_OK;
    } catch (const Cancelled&) {
        return REDKITE_CANCELLED;
    } catch (const std::bad_alloc&) {
        return REDKITE_OUT_OF_MEMORY;
    } catch (const std::exception& error) {
        tell(message, error.what());
        return REDKITE_FAILED;
    } catch (...) {
        tell(message, "unknown C++ exception");
        return REDKITE_FAILED;
    }
}

// The caller's view of long work. The flag and the count are Rust atomics.
class Work {
   public:
    explicit Work(const redkite_work* work) : work_(work) {}

    int threads() const {
        return work_->threads < 1 ? 1 : work_->threads;
    }

    uint64_t memory() const {
        return work_->memory;
    }

    bool cancelled() const {
        return __atomic_load_n(work_->cancelled, __ATOMIC_RELAXED) != 0;
    }

    void check() const {
        if (cancelled()) {
            throw Cancelled();
        }
    }

    void done(uint64_t rows) const {
        __atomic_fetch_add(work_->done, rows, __ATOMIC_RELAXED);
    }

   private:
    const redkite_work* work_;
};

} // namespace redkite

// Work that stands back where queries want the processors.

#include "shim.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" void redkite_stand_back(void) {
    // On Linux a thread has a priority of its own, which the threads it starts inherit. A failure
    // leaves it as it was, which is right only a little less.
    // A third of the share of a query's thread: builds go on where all processors are always wanted.
    const int priority = 5;
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), priority);
}

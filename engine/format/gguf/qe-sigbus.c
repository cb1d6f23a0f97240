/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/gguf/qe-sigbus.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The handler walks this list without a lock: nodes are only ever put in front and never freed, only used again. */
struct QeMappingNode {
  QeMappingNode *next;
  atomic_uintptr_t start; /* 0: not in use */
  atomic_uintptr_t end;
  atomic_bool lost;
};

static _Atomic (QeMappingNode *) nodes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool installed; /* under lock */
static struct sigaction previous;
static uintptr_t page_size;

static void
sigbus_cb (int signal_number, siginfo_t *info, void *context)
{
  int saved_errno = errno;
  uintptr_t address = (uintptr_t) info->si_addr;
  for (QeMappingNode *node = atomic_load (&nodes); node; node = node->next) {
    uintptr_t start = atomic_load (&node->start), end = atomic_load (&node->end);
    if (!start || address < start || address >= end)
      continue;
    uintptr_t page = address & ~(page_size - 1);
    if (mmap ((void *) page, end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0)
        == MAP_FAILED)
      break;
    atomic_store (&node->lost, true);
    errno = saved_errno;
    return;
  }
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction (signal_number, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler (signal_number);
  } else {
    struct sigaction standard = { .sa_handler = SIG_DFL };
    sigaction (SIGBUS, &standard, NULL); /* the access is repeated and does what it always did */
  }
  errno = saved_errno;
}

static uintptr_t
round_up (uintptr_t n, uintptr_t unit)
{
  return (n + unit - 1) / unit * unit;
}

/* Maps the file at a multiple of QE_HUGE_PAGE, of `length` bytes (whole pages), or returns NULL. */
static void *
map_aligned (int fd, size_t length)
{
  const size_t reserved = length + QE_HUGE_PAGE;
  void *place = mmap (NULL, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED)
    return NULL;
  const uintptr_t start = (uintptr_t) place, aligned = round_up (start, QE_HUGE_PAGE);
  void *data = mmap ((void *) aligned, length, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
  if (data == MAP_FAILED) {
    const int failure = errno;
    munmap (place, reserved);
    errno = failure;
    return NULL;
  }
  if (aligned > start)
    munmap (place, aligned - start);
  munmap ((void *) (aligned + length), start + reserved - (aligned + length));
  return data;
}

bool
qe_mapping_open (QeMapping *mapping, int fd, size_t size)
{
  const uintptr_t whole_pages = round_up (size, (uintptr_t) sysconf (_SC_PAGESIZE));
  void *data = map_aligned (fd, whole_pages);
  if (!data)
    return false;
  pthread_mutex_lock (&lock);
  if (!installed) {
    page_size = (uintptr_t) sysconf (_SC_PAGESIZE);
    struct sigaction action = { .sa_sigaction = sigbus_cb, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigemptyset (&action.sa_mask);
    installed = sigaction (SIGBUS, &action, &previous) == 0;
  }
  /* A node that is free is used again; else a new one goes in front. */
  QeMappingNode *node = installed ? atomic_load (&nodes) : NULL;
  while (node && atomic_load (&node->start) != 0)
    node = node->next;
  if (installed && !node && (node = calloc (1, sizeof *node))) {
    node->next = atomic_load (&nodes);
    atomic_store (&nodes, node);
  }
  if (node) {
    atomic_store (&node->lost, false);
    atomic_store (&node->end, (uintptr_t) data + whole_pages);
    atomic_store (&node->start, (uintptr_t) data);
  }
  pthread_mutex_unlock (&lock);
  if (!node) {
    munmap (data, size);
    errno = ENOMEM;
    return false;
  }
  /* Weights are read from end to end for each token, which huge pages in the page cache make faster: the processor
   * reads ahead over their whole length and looks up 512 times fewer addresses. Linux makes them for ext4 (6.16 on) and
   * XFS. Of a file larger than memory, parts come and go as they are needed, and should be small. Only a hint. */
  if (size / (size_t) sysconf (_SC_PAGESIZE) < (size_t) sysconf (_SC_PHYS_PAGES))
    madvise (data, size, MADV_HUGEPAGE);
  *mapping = (QeMapping) { .data = data, .size = size, .node = node };
  return true;
}

void
qe_mapping_close (QeMapping *mapping)
{
  if (!mapping->data)
    return;
  pthread_mutex_lock (&lock);
  atomic_store (&mapping->node->start, 0);
  pthread_mutex_unlock (&lock);
  munmap (mapping->data, mapping->size);
  *mapping = (QeMapping) { 0 };
}

bool
qe_mapping_lost (const QeMapping *mapping)
{
  return mapping->node && atomic_load (&mapping->node->lost);
}

/*
 * Give s6-fdholderd(8) the listening sockets of running services again, after
 * it was killed and came back with nothing.
 */
#ifndef MAILBIND_RESTORE_H
#define MAILBIND_RESTORE_H

#include "lib/base/config.h"

/*
 * Store what the services of cf's service-dir have open and the dump in the
 * environment lacks.  Takes the descriptors from the processes, which only root
 * may do (pidfd_getfd(2)); without root nothing is done.
 */
void	 restore_all(const struct config *cf, const char *holder);

#endif

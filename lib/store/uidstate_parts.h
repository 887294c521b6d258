/* What uidstate*.c share. */
#ifndef STORE_UIDSTATE_PARTS_H
#define STORE_UIDSTATE_PARTS_H

#include "lib/store/uidstate.h"

#define UIDSTATE_NAME	"uidvalidity"

/* Read and parse what fd has.  0, or -1 with errno. */
int	 uidstate_read(int fd, struct uidstate *);

#endif

/* What uidstate*.c share. */
#ifndef STORE_UIDSTATE_PARTS_H
#define STORE_UIDSTATE_PARTS_H

#include "lib/store/uidstate.h"

#define UIDSTATE_NAME	"uidvalidity"

/* Wait for an OFD lock, F_RDLCK or F_WRLCK.  0, or -1 with errno EAGAIN. */
int	 uidstate_lock(int fd, short type);
/* Read and parse what fd has.  0, or -1 with errno. */
int	 uidstate_read(int fd, struct uidstate *);

#endif

/* deliver(1): a message from standard input to the submit socket. */
#ifndef DELIVER_SEND_H
#define DELIVER_SEND_H

#include "deliver/options.h"
#include "lib/base/config.h"

/* Each returns the exit code for main(), the reason printed. */
int	 send_message(const struct config *, const struct deliver_options *);
/* -bv: ask about the recipients, send nothing. */
int	 send_verify(const struct config *, const struct deliver_options *);

#endif

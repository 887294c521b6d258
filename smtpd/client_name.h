/* The client's name in DNS. */
#ifndef SMTPD_CLIENT_NAME_H
#define SMTPD_CLIENT_NAME_H

#include <sys/socket.h>
#include <stddef.h>

/*
 * The name that the address has and that has the address; "" when there is
 * none such or it cannot be found out.  Asks the system's resolver and may
 * take its time-outs: done only when an access list names clients.
 */
void	 client_name(const struct sockaddr *, char *out, size_t size);

#endif

/* One password by PAM, in a helper process: blocking.  It alone knows PAM. */
#ifndef PAMD_VERIFY_H
#define PAMD_VERIFY_H

#include "lib/net/proto_pam.h"

#define VERIFY_SERVICE	"merpati"	/* /etc/pam.d/merpati */

/* What PAM says; refusals of an account and failures are logged. */
enum pam_verdict	 verify_password(const struct pam_question *);

#endif

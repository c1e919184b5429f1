/*
 * Protects or unprotects with libsrtp2 what comes on standard input, for .ci/interop/srtp.sh.
 *
 *   libsrtp protect|unprotect SUITE [MKI]
 *
 * Packets come and go as records: a byte that is 0 for RTP and 1 for RTCP, two bytes of length (big-endian), the packet.
 * Keys are as in rtp-core/examples/srtp_records.rs; MKI is one byte, written as a number.
 */
#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what, int status, unsigned long record)
{
    fprintf(stderr, "libsrtp: %s: status %d at record %lu\n", what, status, record);
    exit(1);
}

static void set_suite(srtp_policy_t *policy, const char *suite)
{
    if (!strcmp(suite, "AES_CM_128_HMAC_SHA1_80")) {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
    } else if (!strcmp(suite, "AES_CM_128_HMAC_SHA1_32")) {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy->rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy->rtcp);
    } else if (!strcmp(suite, "AES_256_CM_HMAC_SHA1_80")) {
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy->rtp);
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy->rtcp);
    } else if (!strcmp(suite, "AES_256_CM_HMAC_SHA1_32")) {
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_32(&policy->rtp);
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy->rtcp);
    } else if (!strcmp(suite, "AEAD_AES_128_GCM")) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
    } else if (!strcmp(suite, "AEAD_AES_256_GCM")) {
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtcp);
    } else {
        fail("unknown suite", 0, 0);
    }
}

int main(int argc, char **argv)
{
    static unsigned char material[SRTP_MAX_KEY_LEN], mki[1], packet[70000];
    unsigned long record = 0;
    srtp_policy_t policy;
    srtp_master_key_t key, *keys[1] = { &key };
    srtp_t session;
    int protect, use_mki, status;

    if (argc < 3)
        fail("usage: libsrtp protect|unprotect SUITE [MKI]", 0, 0);
    protect = !strcmp(argv[1], "protect");
    use_mki = argc > 3;
    for (int n = 0; n < SRTP_MAX_KEY_LEN; n++)
        material[n] = (unsigned char)((n * 37) ^ 1);

    if ((status = srtp_init()) != srtp_err_status_ok)
        fail("srtp_init", status, 0);
    memset(&policy, 0, sizeof policy);
    set_suite(&policy, argv[2]);
    policy.ssrc.type = protect ? ssrc_any_outbound : ssrc_any_inbound;
    policy.window_size = 128;
    if (use_mki) {
        mki[0] = (unsigned char)atoi(argv[3]);
        key.key = material;
        key.mki_id = mki;
        key.mki_size = 1;
        policy.keys = keys;
        policy.num_master_keys = 1;
    } else {
        policy.key = material;
    }
    if ((status = srtp_create(&session, &policy)) != srtp_err_status_ok)
        fail("srtp_create", status, 0);

    for (;; record++) {
        unsigned char head[3];
        int length, rtcp;
        if (fread(head, 1, 3, stdin) != 3)
            break;
        rtcp = head[0];
        length = head[1] << 8 | head[2];
        if (fread(packet, 1, length, stdin) != (size_t)length)
            fail("record cut off", 0, record);
        if (protect && rtcp)
            status = srtp_protect_rtcp_mki(session, packet, &length, use_mki, 0);
        else if (protect)
            status = srtp_protect_mki(session, packet, &length, use_mki, 0);
        else if (rtcp)
            status = srtp_unprotect_rtcp_mki(session, packet, &length, use_mki);
        else
            status = srtp_unprotect_mki(session, packet, &length, use_mki);
        if (status != srtp_err_status_ok)
            fail(argv[1], status, record);
        head[1] = (unsigned char)(length >> 8);
        head[2] = (unsigned char)length;
        fwrite(head, 1, 3, stdout);
        fwrite(packet, 1, length, stdout);
    }
    srtp_dealloc(session);
    return 0;
}

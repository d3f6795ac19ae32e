# Third-party libraries inside the hypervisor: freestanding, with their own flags and no warnings.
# The C library headers they include are the small ones of tools/libc, which lead to core/lib.
D := build/deps
LIBS_CFLAGS := $(ARCH_CFLAGS) -O2 -g -w -fbuiltin -ffunction-sections -fdata-sections -fno-stack-protector \
    -nostdinc -isystem tools/libc -isystem $(CC_INCLUDE)

LWIP := $(D)/lwip/src
LWIP_SRC := $(addprefix $(LWIP)/core/, def.c dns.c inet_chksum.c init.c ip.c mem.c memp.c netif.c pbuf.c raw.c stats.c \
        sys.c tcp.c tcp_in.c tcp_out.c timeouts.c udp.c) \
    $(addprefix $(LWIP)/core/ipv4/, acd.c autoip.c dhcp.c etharp.c icmp.c igmp.c ip4.c ip4_addr.c ip4_frag.c) \
    $(addprefix $(LWIP)/core/ipv6/, dhcp6.c ethip6.c icmp6.c inet6.c ip6.c ip6_addr.c ip6_frag.c mld6.c nd6.c) \
    $(LWIP)/netif/ethernet.c
LWIP_INC := -isystem $(LWIP)/include -isystem mgmt/port

FDT_SRC := $(addprefix $(D)/dtc/libfdt/, fdt.c fdt_check.c fdt_ro.c fdt_strerror.c)
# What the loader does not need.
FDT_WRITE_SRC := $(addprefix $(D)/dtc/libfdt/, fdt_empty_tree.c fdt_rw.c fdt_sw.c fdt_wip.c)
FDT_INC := -isystem $(D)/dtc/libfdt

ZYDIS := $(D)/zydis
ZYDIS_SRC := $(addprefix $(ZYDIS)/src/, Decoder.c DecoderData.c SharedData.c Register.c Mnemonic.c Utils.c Segment.c MetaInfo.c)
ZYDIS_DEFS := -DZYAN_NO_LIBC -DZYDIS_STATIC_BUILD -DZYCORE_STATIC_BUILD -DZYDIS_DISABLE_FORMATTER -DZYDIS_DISABLE_ENCODER \
    -DZYDIS_DISABLE_SEGMENT -DZYDIS_DISABLE_AVX512 -DZYDIS_DISABLE_KNC
ZYDIS_INC := $(ZYDIS_DEFS) -isystem $(ZYDIS)/include -isystem $(D)/zycore/usr/include -isystem $(ZYDIS)/src

HTTP_SRC := $(D)/http-parser/http_parser.c
HTTP_INC := -isystem $(D)/http-parser -DHTTP_MAX_HEADER_SIZE=16384 -DHTTP_PARSER_STRICT=1
# Speed matters where every byte or every handshake passes; the rest, which is most of it, is small code.
MBEDTLS := $(D)/mbedtls
MBEDTLS_FAST := $(addprefix $(MBEDTLS)/library/, aes.c bignum.c bignum_core.c chacha20.c ecp.c ecp_curves.c gcm.c poly1305.c \
        sha256.c)
MBEDTLS_SMALL := $(addprefix $(MBEDTLS)/library/, asn1parse.c asn1write.c chachapoly.c cipher.c cipher_wrap.c constant_time.c \
        ecdh.c ecdsa.c hkdf.c hmac_drbg.c md.c memory_buffer_alloc.c oid.c pk.c pk_ecc.c pk_wrap.c pkparse.c pkwrite.c platform.c \
        platform_util.c psa_crypto.c psa_crypto_aead.c psa_crypto_cipher.c psa_crypto_client.c \
        psa_crypto_driver_wrappers_no_static.c psa_crypto_ecp.c psa_crypto_hash.c psa_crypto_mac.c psa_crypto_rsa.c \
        psa_crypto_slot_management.c \
        psa_util.c rsa.c rsa_alt_helpers.c sha1.c sha512.c ssl_ciphersuites.c ssl_msg.c ssl_tls.c ssl_tls12_client.c ssl_tls12_server.c \
        ssl_tls13_client.c ssl_tls13_generic.c ssl_tls13_keys.c ssl_tls13_server.c ssl_client.c x509.c x509_create.c x509_crt.c x509write.c x509write_crt.c)
MBEDTLS_SRC := $(MBEDTLS_FAST) $(MBEDTLS_SMALL)
MBEDTLS_INC := -DMBEDTLS_CONFIG_FILE='<mgmt/port/mbedtls_config.h>' -isystem $(MBEDTLS)/include
# In the loader: of the library only what unpacks is kept.
LZ4 := $(D)/lz4/lib
LZ4_INC := -isystem $(LZ4)
LZ4_DEFS := -DLZ4_FREESTANDING=1 -DLZ4_memcpy=memcpy -DLZ4_memmove=memmove -DLZ4_memset=memset
JSMN_INC := -isystem $(D)/jsmn/usr/include

LIBS_SRC := $(LWIP_SRC) $(FDT_SRC) $(FDT_WRITE_SRC) $(ZYDIS_SRC) $(HTTP_SRC) $(MBEDTLS_SRC)
LIBS_INC := $(LWIP_INC) $(FDT_INC) $(ZYDIS_INC) $(HTTP_INC) $(JSMN_INC) $(MBEDTLS_INC) $(LZ4_INC)

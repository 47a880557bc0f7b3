// pgjdbc's DatabaseMetaData and its kin: what IDEs, report tools and Hibernate ask.

import java.sql.*;
import java.util.*;

public class Main {
    interface Case { void run() throws Exception; }
    static Connection c;
    static DatabaseMetaData meta;

    static void run(String name, Case body) {
        try {
            body.run();
            System.out.println("ok " + name);
        } catch (Throwable error) {
            System.out.println("not ok " + name + ": " + String.valueOf(error.getMessage()).replaceAll("\\s+", " "));
            try { if (!c.getAutoCommit()) c.rollback(); } catch (SQLException ignored) { }
        }
    }
    static void same(Object got, Object expected) {
        if (!Objects.equals(got, expected)) throw new AssertionError("got " + got + ", expected " + expected);
    }
    static void yes(boolean condition, Object what) {
        if (!condition) throw new AssertionError(String.valueOf(what));
    }
    /** The rows, the named columns with a bar between them. */
    static List<String> rows(ResultSet set, String... columns) throws SQLException {
        List<String> rows = new ArrayList<>();
        while (set.next()) {
            StringJoiner row = new StringJoiner("|");
            for (String column : columns) row.add(set.getString(column));
            rows.add(row.toString());
        }
        set.close();
        return rows;
    }
    static void sql(String text) throws SQLException {
        try (Statement s = c.createStatement()) { s.execute(text); }
    }

    public static void main(String[] arguments) throws Exception {
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        c = DriverManager.getConnection(url, System.getenv("PGUSER"), System.getenv("PGPASSWORD"));
        meta = c.getMetaData();
        System.out.println("version " + meta.getDriverVersion());
        sql("CREATE EXTENSION IF NOT EXISTS vector");
        sql("DROP TABLE IF EXISTS jm_orders, jm_people CASCADE");
        sql("CREATE TABLE jm_people (id serial PRIMARY KEY, name varchar(40) NOT NULL UNIQUE, born date DEFAULT '2000-01-01', e vector(3))");
        sql("CREATE TABLE jm_orders (a int, b int, person int NOT NULL CONSTRAINT jm_by REFERENCES jm_people ON DELETE CASCADE ON UPDATE SET NULL,"
            + " amount numeric(10,2), at timestamptz, tags text[], raw bytea, PRIMARY KEY (b, a))");
        sql("CREATE INDEX jm_by_amount ON jm_orders (amount DESC)");
        sql("CREATE OR REPLACE VIEW jm_view AS SELECT id, name FROM jm_people");
        sql("COMMENT ON TABLE jm_people IS 'who buys'");
        sql("COMMENT ON COLUMN jm_people.name IS 'full name'");

        run("versions", () -> {
            same(meta.getDatabaseProductName(), "PostgreSQL");
            yes(meta.getDatabaseMajorVersion() >= 14, meta.getDatabaseProductVersion());
            yes(meta.getMaxColumnNameLength() == 63, meta.getMaxColumnNameLength());
        });
        run("keywords_and_functions", () -> {
            yes(meta.getSQLKeywords().length() > 100, meta.getSQLKeywords());
            yes(meta.getNumericFunctions().contains("abs"), "abs");
        });
        run("catalogs", () -> same(rows(meta.getCatalogs(), "TABLE_CAT").contains(c.getCatalog()), true));
        run("schemas", () -> yes(rows(meta.getSchemas(), "TABLE_SCHEM").containsAll(List.of("information_schema", "pg_catalog", "public")), "schemas"));
        run("schemas_by_pattern", () -> same(rows(meta.getSchemas(null, "pub%"), "TABLE_SCHEM"), List.of("public")));
        run("table_types", () -> yes(rows(meta.getTableTypes(), "TABLE_TYPE").containsAll(List.of("TABLE", "VIEW")), "types"));
        run("tables", () -> same(rows(meta.getTables(null, "public", "jm%", new String[] {"TABLE", "VIEW"}), "TABLE_NAME", "TABLE_TYPE", "REMARKS"),
            List.of("jm_orders|TABLE|null", "jm_people|TABLE|who buys", "jm_view|VIEW|null")));
        run("system_tables", () -> yes(rows(meta.getTables(null, "pg_catalog", "pg_class", null), "TABLE_TYPE").equals(List.of("SYSTEM TABLE")), "pg_class"));
        run("indexes_as_tables", () -> yes(rows(meta.getTables(null, "public", "jm%", new String[] {"INDEX"}), "TABLE_NAME").contains("jm_by_amount"), "index"));
        run("sequences_as_tables", () -> same(rows(meta.getTables(null, "public", "jm%", new String[] {"SEQUENCE"}), "TABLE_NAME"), List.of("jm_people_id_seq")));
        run("columns", () -> same(rows(meta.getColumns(null, "public", "jm_people", "%"), "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "COLUMN_SIZE", "NULLABLE", "IS_AUTOINCREMENT", "REMARKS"),
            List.of("id|4|serial|10|0|YES|null", "name|12|varchar|40|0|NO|full name", "born|91|date|13|1|NO|null", "e|1111|vector|2147483647|1|NO|null")));
        run("column_defaults", () -> same(rows(meta.getColumns(null, "public", "jm_people", "%"), "COLUMN_DEF").subList(0, 3),
            List.of("nextval('jm_people_id_seq'::regclass)", "null", "'2000-01-01'::date")));
        run("numeric_columns", () -> same(rows(meta.getColumns(null, "public", "jm_orders", "a%"), "COLUMN_NAME", "COLUMN_SIZE", "DECIMAL_DIGITS", "ORDINAL_POSITION").subList(0, 2),
            List.of("a|10|0|1", "amount|10|2|4")));
        run("array_columns", () -> same(rows(meta.getColumns(null, "public", "jm_orders", "tags"), "DATA_TYPE", "TYPE_NAME"), List.of("2003|_text")));
        run("columns_of_views", () -> same(rows(meta.getColumns(null, "public", "jm_view", "%"), "COLUMN_NAME"), List.of("id", "name")));
        run("columns_of_the_system", () -> yes(rows(meta.getColumns(null, "pg_catalog", "pg_class", "rel%"), "COLUMN_NAME").contains("relname"), "relname"));
        run("primary_keys", () -> same(rows(meta.getPrimaryKeys(null, "public", "jm_orders"), "COLUMN_NAME", "KEY_SEQ", "PK_NAME"),
            List.of("b|1|jm_orders_pkey", "a|2|jm_orders_pkey")));
        run("imported_keys", () -> same(rows(meta.getImportedKeys(null, "public", "jm_orders"), "PKTABLE_NAME", "PKCOLUMN_NAME", "FKCOLUMN_NAME", "FK_NAME", "PK_NAME", "DELETE_RULE", "UPDATE_RULE"),
            List.of("jm_people|id|person|jm_by|jm_people_pkey|0|2")));
        run("exported_keys", () -> same(rows(meta.getExportedKeys(null, "public", "jm_people"), "FKTABLE_NAME", "FKCOLUMN_NAME"), List.of("jm_orders|person")));
        run("cross_reference", () -> same(rows(meta.getCrossReference(null, "public", "jm_people", null, "public", "jm_orders"), "FK_NAME"), List.of("jm_by")));
        run("index_info", () -> same(rows(meta.getIndexInfo(null, "public", "jm_orders", false, false), "INDEX_NAME", "COLUMN_NAME", "NON_UNIQUE", "ASC_OR_DESC", "ORDINAL_POSITION"),
            List.of("jm_orders_pkey|b|f|A|1", "jm_orders_pkey|a|f|A|2", "jm_by_amount|amount|t|D|1")));
        run("unique_index_info", () -> same(rows(meta.getIndexInfo(null, "public", "jm_people", true, true), "INDEX_NAME"), List.of("jm_people_name_key", "jm_people_pkey")));
        run("best_row_identifier", () -> same(rows(meta.getBestRowIdentifier(null, "public", "jm_people", DatabaseMetaData.bestRowSession, false), "COLUMN_NAME"), List.of("id")));
        run("version_columns", () -> same(rows(meta.getVersionColumns(null, "public", "jm_people"), "COLUMN_NAME"), List.of("ctid")));
        run("table_privileges", () -> yes(rows(meta.getTablePrivileges(null, "public", "jm_people"), "PRIVILEGE").contains("SELECT"), "SELECT"));
        run("column_privileges", () -> yes(rows(meta.getColumnPrivileges(null, "public", "jm_people", "name"), "PRIVILEGE").contains("UPDATE"), "UPDATE"));
        run("type_info", () -> {
            List<String> types = rows(meta.getTypeInfo(), "TYPE_NAME");
            yes(types.containsAll(List.of("int4", "text", "numeric", "timestamptz", "bool", "uuid", "jsonb", "vector")), types);
        });
        run("functions", () -> yes(rows(meta.getFunctions(null, "public", "l2_dist%"), "FUNCTION_NAME").contains("l2_distance"), "l2_distance"));
        run("functions_of_the_system", () -> yes(rows(meta.getFunctions(null, "pg_catalog", "lower"), "FUNCTION_NAME").contains("lower"), "lower"));
        run("function_columns", () -> yes(rows(meta.getFunctionColumns(null, "public", "l2_distance", "%"), "TYPE_NAME").contains("vector"), "vector"));
        run("procedures", () -> same(rows(meta.getProcedures(null, "public", "%"), "PROCEDURE_NAME"), List.of()));
        run("user_types", () -> meta.getUDTs(null, "public", "%", null).close());
        run("client_info", () -> {
            c.setClientInfo("ApplicationName", "metadata");
            same(c.getClientInfo("ApplicationName"), "metadata");
            same(rows(meta.getClientInfoProperties(), "NAME"), List.of("ApplicationName"));
        });
        run("result_set_metadata", () -> {
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT o.amount AS x, p.id, p.name, 1 + 1 AS two FROM jm_orders o JOIN jm_people p ON p.id = o.person")) {
                ResultSetMetaData m = r.getMetaData();
                same(m.getColumnLabel(1) + m.getPrecision(1) + m.getScale(1) + m.getColumnTypeName(1), "x102numeric");
                same(((org.postgresql.PGResultSetMetaData) m).getBaseTableName(1) + "." + ((org.postgresql.PGResultSetMetaData) m).getBaseColumnName(1), "jm_orders.amount");
                same(m.isAutoIncrement(2), true);
                same(m.isNullable(3), ResultSetMetaData.columnNoNulls);
                same(m.isNullable(4), ResultSetMetaData.columnNullableUnknown);
            }
        });
        run("parameter_metadata", () -> {
            try (PreparedStatement s = c.prepareStatement("SELECT * FROM jm_people WHERE id = ? AND name = ?")) {
                same(s.getParameterMetaData().getParameterTypeName(1) + s.getParameterMetaData().getParameterTypeName(2), "int4text");
            }
        });
        run("generated_keys", () -> {
            try (PreparedStatement s = c.prepareStatement("INSERT INTO jm_people (name) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
                s.setString(1, "Ada");
                s.executeUpdate();
                ResultSet keys = s.getGeneratedKeys();
                yes(keys.next() && keys.getInt("id") > 0, "a key");
            }
        });
        run("updatable_results", () -> {
            try (Statement s = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE);
                 ResultSet r = s.executeQuery("SELECT id, name FROM jm_people WHERE name = 'Ada'")) {
                yes(r.next(), "a row");
                r.updateString("name", "Eve");
                r.updateRow();
                r.moveToInsertRow();
                r.updateString("name", "Bob");
                r.insertRow();
            }
            try (Statement s = c.createStatement()) {
                same(rows(s.executeQuery("SELECT name FROM jm_people ORDER BY id"), "name"), List.of("Eve", "Bob"));
            }
        });
        run("savepoints_and_isolation", () -> {
            c.setAutoCommit(false);
            c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            sql("INSERT INTO jm_people (name) VALUES ('kept')");
            Savepoint point = c.setSavepoint("here");
            sql("INSERT INTO jm_people (name) VALUES ('gone')");
            c.rollback(point);
            c.commit();
            c.setAutoCommit(true);
            try (Statement s = c.createStatement()) {
                same(rows(s.executeQuery("SELECT name FROM jm_people WHERE name IN ('kept', 'gone')"), "name"), List.of("kept"));
            }
        });
        sql("DROP VIEW jm_view");
        sql("DROP TABLE jm_orders, jm_people");
    }
}
